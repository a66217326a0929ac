import fc from 'fast-check'
import type { Repository } from './repository.ts'

const names = ['a', 'b', 'd/a', 'd/b', 'd/c', 'e/a', 'e/f/b', 'g/a']

/** One commit of a random history of two branches. */
export interface Edit {
  readonly side: 'main' | 'topic'
  /** `folder` moves everything below d to below g; `cross` merges both branches into each other. */
  readonly kind: 'edit' | 'rename' | 'delete' | 'add' | 'folder' | 'cross'
  readonly from: string
  readonly to: string
  readonly line: number
}

export const edits: fc.Arbitrary<readonly Edit[]> = fc.array(
  fc.record({
    side: fc.constantFrom('main', 'topic'),
    kind: fc.constantFrom('edit', 'edit', 'rename', 'rename', 'delete', 'add', 'folder', 'cross'),
    from: fc.constantFrom(...names),
    to: fc.constantFrom(...names),
    line: fc.nat(19),
  }),
  { minLength: 4, maxLength: 10 },
)

type Tree = Map<string, readonly string[]>

/** Makes the history of these edits: `main` and `topic` begin with the same five files. */
export async function makeCrossingHistory(repository: Repository, steps: readonly Edit[]): Promise<void> {
  const start: Tree = new Map(names.slice(0, 5).map((name) => [name, text(name)]))
  await repository.branch('topic', await repository.commit({ files: content(start) }))
  const trees = { main: new Map(start), topic: new Map(start) }
  for (const [index, edit] of steps.entries()) {
    const { side, kind } = edit
    if (kind === 'cross') {
      const [main = '', topic = ''] = (await repository.git(['rev-parse', 'main', 'topic'])).split('\n')
      await repository.commit({ branch: 'main', parents: [main, topic] })
      await repository.commit({ branch: 'topic', parents: [topic, main] })
      continue
    }
    change(trees[side], edit, `${side} ${index}\n`)
    const gone = names.filter((name) => !trees[side].has(name))
    await repository.commit({ branch: side, files: content(trees[side]), delete: gone })
  }
}

function change(files: Tree, { kind, from, to, line }: Edit, words: string): void {
  const edited = (lines: readonly string[]) => lines.with(line, words)
  const lines = files.get(from)
  if (kind === 'folder') {
    for (const [name, old] of files) if (name.startsWith('d/')) move(files, name, name.replace('d/', 'g/'), edited(old))
  } else if (kind === 'add') files.set(to, text(words))
  else if (lines === undefined) return
  else if (kind === 'edit') files.set(from, edited(lines))
  else if (kind === 'rename') move(files, from, to, edited(lines))
  else files.delete(from)
}

function move(files: Tree, from: string, to: string, lines: readonly string[]): void {
  files.delete(from)
  files.set(to, lines)
}

function text(word: string): readonly string[] {
  return Array.from({ length: 20 }, (_, index) => `${word.trim()} ${index}\n`)
}

function content(files: Tree): Record<string, string> {
  return Object.fromEntries([...files].map(([name, lines]) => [name, lines.join('')]))
}
