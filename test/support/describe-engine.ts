import { after, before, describe } from 'node:test'
import type { Engine } from '../../src/engine/contract.ts'
import type { EngineCases } from './engine-cases.ts'
import { fileCases } from './engine-file-cases.ts'
import { programCases } from './engine-program-cases.ts'
import type { Ground } from './engine-repository.ts'
import { repositoryCases } from './engine-repository-cases.ts'
import { workspaceCases } from './engine-workspace-cases.ts'
import type { Repository } from './repository.ts'
import { streamCases } from './engine-stream-cases.ts'

/** What the cases find in the repository of their ground. */
export async function fillForCases(source: Repository): Promise<void> {
  await source.commit({ files: { 'README.md': '# Ground\n', 'src/a.txt': 'a\n', 'docs/b.md': 'b\n' } })
  await source.commit({ files: { 'src/a.txt': 'a\nb\n' } })
}

/** The contract of Engine and Workspace: whoever offers an engine, in process or from afar, must pass it. */
export function describeEngine(name: string, ground: Ground, make: () => Promise<Engine>): void {
  describe(`${name}, as any engine`, { concurrency: false }, () => {
    let made: Engine
    before(async () => {
      made = await make()
    })
    after(() => made.close())
    const cases: EngineCases = {
      ground,
      engine: () => made,
      open: (more = {}) => made.open({ repo: ground.repo, ...more }),
    }
    repositoryCases(cases)
    workspaceCases(cases)
    programCases(cases)
    fileCases(cases)
    streamCases(cases)
  })
}
