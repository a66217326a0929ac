import { finish } from '../../src/core/exec.ts'
import { createEngine } from '../../src/index.ts'
import type { Workspace } from '../../src/index.ts'

/** Lives as an agent does, over and over, and says on stdout how far it is, a JSON value a line. */
export interface StormOrders {
  readonly settings: Parameters<typeof createEngine>[0]
  readonly repo: string
  /** Branches it may make: this and a number. */
  readonly branch: string
  /** Cycles after which it ends by itself. */
  readonly cycles: number
}

export type StormNews =
  | { readonly begun: number }
  | { readonly done: number; readonly branch: string; readonly commit: string }

if (import.meta.main) {
  const orders = JSON.parse(process.argv[2] ?? '') as StormOrders
  await live(orders, (news) => process.stdout.write(`${JSON.stringify(news)}\n`))
}

/** Opens, writes, runs a program, forks, compares, pushes and closes, as often as asked. */
export async function live(
  { settings, repo, branch, cycles }: StormOrders,
  tell: (news: StormNews) => void,
): Promise<void> {
  const engine = await createEngine(settings)
  try {
    for (let cycle = 0; cycle < cycles; cycle += 1) {
      tell({ begun: cycle })
      const workspace = await engine.open({ repo, ttlMs: 60_000 })
      await workspace.run('write-file', { path: `notes/${branch}-${cycle}`, content: `${cycle}\n`.repeat(100) })
      await sh(workspace, 'git add -A && git commit -qm Notes && echo more >>README.md')
      const forks = await workspace.fork({ count: 2 })
      await Promise.all(
        forks.map(async (fork, at) => {
          await fork.files.write(`try-${at}`, Buffer.from(`${at}`))
          await fork.run('add', {})
          await fork.run('commit', { message: `Try ${at}` })
          await fork.run('diff', { from: 'HEAD~2', to: 'HEAD' })
        }),
      )
      const [best = workspace] = forks
      const name = `${branch}-${cycle}`
      const { value } = await best.run('push', { branch: name })
      tell({ done: cycle, branch: name, commit: (value as { commit: string }).commit })
      // One is forgotten, and ends with the engine.
      await Promise.all([workspace, ...forks.slice(0, -1)].map((each) => each.close()))
    }
  } finally {
    await engine.close()
  }
}

async function sh(workspace: Workspace, script: string): Promise<void> {
  const { running, receipt } = await workspace.exec({ argv: ['sh', '-c', script] })
  const { code, stderr } = await finish(running)
  await receipt
  if (code !== 0) throw new Error(stderr.toString())
}
