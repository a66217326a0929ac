import type { Importer, NewCommit } from './fast-import.ts'
import { blamedPath, edit, sourcePaths } from './files.ts'
import { random } from './random.ts'
import { sourceText } from './source-text.ts'

/**
 * A long history: `main` with merged side branches over a tree of some thousand files, one file changed again and
 * again, and `topic`, which left `main` 400 commits ago.
 */
export async function importDeep(
  importer: Importer,
  { commits, files }: { readonly commits: number; readonly files: number },
): Promise<void> {
  const dice = random(commits)
  const text = sourceText(dice)
  const paths = [blamedPath, ...sourcePaths(files, random(2))]
  const contents = paths.map(() => text.lines(dice, 2000 + dice.below(7000)))
  const contentOf = (file: number): readonly [string, Buffer] => [paths[file] ?? '', text.render(contents[file] ?? [])]

  const count = { made: 0 }
  const touched = new Set<number>()
  const change = (): Iterable<readonly [string, Buffer]> => {
    const others = Array.from({ length: 1 + dice.below(3) }, () => 1 + dice.below(files))
    const changed = count.made % versionEvery === 0 ? [0, ...others] : others
    return changed.map((file) => {
      for (let edits = 1 + dice.below(6); edits > 0; edits -= 1) edit(contents[file] ?? [], text, dice)
      touched.add(file)
      return contentOf(file)
    })
  }
  const add = (commit: Pick<NewCommit, 'branch' | 'parent'> & Partial<NewCommit>): Promise<number> => {
    count.made += 1
    return importer.commit({ message: `Change ${count.made}`, merged: [], files: change(), ...commit })
  }

  const everyFile = paths.map((_, file) => contentOf(file))
  let main = await add({ branch: 'main', parent: null, message: 'Begin', files: everyFile })
  let topic = main
  while (count.made < commits) {
    let side = main
    touched.clear()
    for (let steps = 1 + dice.below(3); steps > 0; steps -= 1) side = await add({ branch: 'side', parent: side })
    const fromSide = [...touched]
    for (let steps = 3 + dice.below(10); steps > 0; steps -= 1) main = await add({ branch: 'main', parent: main })
    main = await add({ branch: 'main', parent: main, merged: [side], files: fromSide.map(contentOf) })
    if (count.made < commits - 400) topic = main
  }
  await importer.branch('topic', topic)
  for (let steps = 0; steps < 60; steps += 1) topic = await add({ branch: 'topic', parent: topic })
}

/** Commits from one version of the blamed file to the next. */
const versionEvery = 33
