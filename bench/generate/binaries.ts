import type { Importer } from './fast-import.ts'
import { blamedPath, edit, sourcePaths } from './files.ts'
import { random } from './random.ts'
import { sourceText } from './source-text.ts'

/** Large files that nothing makes smaller, each with several versions, beside a little source. */
export async function importBinaries(
  importer: Importer,
  { count, bytesEach, versions }: { readonly count: number; readonly bytesEach: number; readonly versions: number },
): Promise<void> {
  const dice = random(versions)
  const text = sourceText(dice)
  const blamed = text.lines(dice, 8000)
  function* sources(): Generator<readonly [string, Buffer]> {
    for (const path of sourcePaths(300, random(3))) yield [path, text.render(text.lines(dice, 6000))]
  }

  let main = await importer.commit({ branch: 'main', message: 'Begin', parent: null, merged: [], files: sources() })
  let topic = main
  for (let version = 0; version < versions; version += 1) {
    topic = main
    for (let binary = 0; binary < count; binary += 1) {
      edit(blamed, text, dice)
      const files = [
        [`assets/picture-${binary}.bin`, dice.bytes(bytesEach)],
        [blamedPath, text.render(blamed)],
      ] as const
      main = await importer.commit({ branch: 'main', message: `Draw ${version}`, parent: main, merged: [], files })
    }
  }
  await importer.branch('topic', topic)
  for (let step = 0; step < 5; step += 1) {
    edit(blamed, text, dice)
    const files = [[blamedPath, text.render(blamed)]] as const
    topic = await importer.commit({ branch: 'topic', message: `Try ${step}`, parent: topic, merged: [], files })
  }
}
