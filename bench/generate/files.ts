import type { Importer } from './fast-import.ts'
import { random } from './random.ts'
import { sourceText, word, type SourceText } from './source-text.ts'

/** Many files and a short history: `main` with 200 commits, `topic` 20 commits aside of it. */
export async function importFiles(
  importer: Importer,
  { count, bytesEach }: { readonly count: number; readonly bytesEach: number },
): Promise<void> {
  const dice = random(count)
  const text = sourceText(dice)
  const paths = sourcePaths(count, random(1))
  const story = [...paths.keys()].map(() => dice.below(0xffffffff))
  const contentOf = (file: number): number[] => {
    const own = random(story[file] ?? 0)
    return text.lines(own, bytesEach / 2 + own.below(bytesEach))
  }
  function* everyFile(): Generator<readonly [string, Buffer]> {
    yield [blamedPath, text.render(blamed)]
    for (const [file, path] of paths.entries()) yield [path, text.render(contentOf(file))]
  }

  const blamed = text.lines(dice, 8000)
  const change = (step: number): (readonly [string, Buffer])[] => {
    const changed = Array.from({ length: 3 }, () => dice.below(paths.length))
    edit(blamed, text, dice)
    return [
      [blamedPath, text.render(blamed)],
      ...changed.map((file) => {
        const lines = contentOf(file)
        for (let edits = 0; edits <= step % 4; edits += 1) edit(lines, text, dice)
        return [paths[file] ?? '', text.render(lines)] as const
      }),
    ]
  }

  let main = await importer.commit({ branch: 'main', message: 'Begin', parent: null, merged: [], files: everyFile() })
  let topic = main
  for (let step = 1; step < 200; step += 1) {
    main = await importer.commit({
      branch: 'main',
      message: `Change ${step}`,
      parent: main,
      merged: [],
      files: change(step),
    })
    if (step === 150) topic = main
  }
  await importer.branch('topic', topic)
  for (let step = 0; step < 20; step += 1) {
    topic = await importer.commit({
      branch: 'topic',
      message: `Try ${step}`,
      parent: topic,
      merged: [],
      files: change(step),
    })
  }
}

/** The file of every generated repository that has many versions. */
export const blamedPath = 'core/engine.ts'

/** Paths as a grown source tree has them: about nine files a directory, at every depth. */
export function sourcePaths(count: number, dice: ReturnType<typeof random>): string[] {
  const names = Array.from({ length: 12 }, () => word(dice))
  return Array.from({ length: count }, (_, file) => {
    const directory = Math.floor(file / 9)
    const digits = directory.toString(names.length).split('')
    const parts = digits.map(
      (digit, depth) => `${names[Number.parseInt(digit, names.length)]}${depth === 0 ? '' : depth}`,
    )
    return `${parts.join('/')}/${word(dice)}-${file % 9}.ts`
  })
}

/** Replaces, adds or removes a line. */
export function edit(lines: number[], text: SourceText, dice: ReturnType<typeof random>): void {
  const at = dice.below(lines.length)
  const kind = dice.below(4)
  if (kind === 0) lines.splice(at, 0, text.line(dice))
  else if (kind === 1 && lines.length > 20) lines.splice(at, 1)
  else lines[at] = text.line(dice)
}
