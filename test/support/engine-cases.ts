import type { Engine, Workspace } from '../../src/engine/contract.ts'
import type { Ground } from './engine-repository.ts'

/** What the cases of the suite use; everything exists once the tests run. */
export interface EngineCases {
  readonly ground: Ground
  readonly engine: () => Engine
  /** A workspace of the ground's repository, opened by the engine under test. */
  readonly open: (more?: Readonly<Record<string, unknown>>) => Promise<Workspace>
}
