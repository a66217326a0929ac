import { after, before } from 'node:test'
import type { Engine, Workspace } from '../../src/engine/contract.ts'
import { makeHome, type EngineHome } from './engine-home.ts'
import { startGitServer, type GitServer } from './git-server.ts'
import { makeRepository, type Repository } from './repository.ts'

/** An engine and a repository on a server that it may reach; filled in before the tests of the file. */
export interface Ground {
  readonly home: EngineHome
  engine: Engine
  server: GitServer
  source: Repository
  repo: string
  /** Opens a workspace that is closed after the tests of the file, if not before. */
  open(more?: Readonly<Record<string, unknown>>): Promise<Workspace>
}

/** Call it at the top of a test file; `fill` makes the repository's first commits. */
export function makeGround(
  fill: (source: Repository) => Promise<unknown>,
  options: { readonly home?: EngineHome; readonly objectFormat?: 'sha1' | 'sha256' } = {},
): Ground {
  const home = options.home ?? makeHome()
  const ground = { home } as Ground
  before(async () => {
    const { objectFormat = 'sha1' } = options
    ground.source = await makeRepository(`${home.dir}/ground.git`, { bare: true, objectFormat })
    await fill(ground.source)
    ground.server = await startGitServer({ root: home.dir })
    ground.repo = ground.server.url('ground')
    ground.engine = await home.open()
  })
  after(() => ground.server.close())
  ground.open = (more = {}) => ground.engine.open({ repo: ground.repo, ...more })
  return ground
}
