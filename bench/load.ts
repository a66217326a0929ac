import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parseSettings } from '../src/config.ts'
import { leftovers } from '../test/support/leftovers.ts'
import { crowdHead, crowdRow, measureCrowd, type Crowd, type Worker } from './measure/crowd.ts'
import { withGround } from './measure/ground.ts'
import { manyOf } from './measure/many-of.ts'
import { completeOptions, type BenchOptions } from './measure/options.ts'
import { runGit } from './measure/process.ts'
import { saveResults, textTable } from './measure/report.ts'
import { withScratch } from './measure/scratch.ts'
import { call, sandboxUid, startService, withService, type MeasuredService } from './measure/service.ts'

const repositories = 50
/** What agents ask of their workspace, in turn, and the same of git. */
const questions = [
  ['status', {}],
  ['diff', { from: 'HEAD' }],
  ['log', { limit: 20 }],
] as const
const bareQuestions = [
  ['status', '--porcelain=v2', '-z'],
  ['diff', '--raw', '-z', 'HEAD'],
  ['log', '-z', '--max-count=20'],
] as const

/** A service with many clients against bare git with as many workers, for as many seconds a level as there are rounds. */
export async function run(options: BenchOptions): Promise<void> {
  const complete = completeOptions(options, { rounds: 5 })
  const { print, rounds: seconds, clients, signal, directory } = complete
  await withGround(['files-1k'], complete, (ground) =>
    withScratch(async (scratch) => {
      const names = await manyOf(ground.gitDir('files-1k'), directory, { name: 'load', count: repositories })
      const stateDir = join(scratch, 'state')
      const repo = (at: number): string => `http://${ground.host}/${names[at % names.length]}`
      const results: Record<string, Crowd> = {}
      const rows: string[][] = []
      await withService({ stateDir, host: ground.host }, async (service) => {
        const checkouts = names.map((_, at) => join(scratch, `checkout-${at}`))
        for (const [at, checkout] of checkouts.entries()) {
          await call(`${service.url}/v1/images`, { repo: repo(at) })
          await runGit(['clone', '--quiet', '--depth=1', repo(at), checkout])
        }
        const worker: Readonly<Record<string, readonly [what: string, make: (at: number) => Worker]>> = {
          'forkyard, open': ['open-exec-close', (at) => visitor(service, repo, at)],
          'bare git, clone': ['open-exec-close', (at) => cloner(repo, join(scratch, `clone-${at}`), at)],
          forkyard: ['status, diff, log', (at) => resident(service, repo(at), at)],
          'bare git': ['status, diff, log', (at) => local(checkouts[at % checkouts.length] ?? '', at)],
        }
        for (const workers of clients) {
          for (const [side, [what, make]] of Object.entries(worker)) {
            const memory = side.startsWith('forkyard') ? service.memory : null
            const crowd = await measureCrowd(make, { workers, seconds, signal, memory })
            results[`${side} ${workers}`] = crowd
            rows.push(crowdRow(what, side, crowd))
            await print(`${rows.at(-1)?.join('  ')}\n`)
          }
        }
      })
      await print(`\n${textTable([crowdHead, ...rows])}\n`)
      await print(
        `left after the drain: ${leftovers({ settings: parseSettings({ stateDir, ...sandboxUid }) }).join(', ') || 'nothing'}\n`,
      )
      await print(`ready again ${(await readyAgainMs(stateDir, ground.host, repo(0))).toFixed(0)} ms after kill -9\n`)
      await print(`samples: ${await saveResults('load', results)}\n`)
    }),
  )
}

/** Opens a workspace of one repository after the other, runs a program in it and closes it. */
function visitor({ url }: MeasuredService, repo: (at: number) => string, start: number): Worker {
  let at = start
  return {
    async turn() {
      at += 1
      const { id } = await call<{ id: string }>(`${url}/v1/workspaces`, { repo: repo(at) })
      try {
        await call(`${url}/v1/workspaces/${id}/exec`, { argv: ['true'] })
      } finally {
        await call(`${url}/v1/workspaces/${id}`, null, { method: 'DELETE' })
      }
    },
  }
}

function cloner(repo: (at: number) => string, target: string, start: number): Worker {
  let at = start
  return {
    async turn() {
      at += 1
      await runGit(['clone', '--quiet', '--depth=1', repo(at), target])
      await rm(target, { recursive: true })
    },
    end: () => rm(target, { recursive: true, force: true }),
  }
}

/** Asks its own workspace one question after the other. */
function resident({ url }: MeasuredService, repo: string, start: number): Worker {
  let at = start
  let workspace = ''
  async function turn(): Promise<void> {
    at += 1
    const [name, input] = questions[at % questions.length] ?? questions[0]
    await call(`${workspace}/operations/${name}`, input)
  }
  return {
    async start() {
      workspace = `${url}/v1/workspaces/${(await call<{ id: string }>(`${url}/v1/workspaces`, { repo })).id}`
      // The first of each may bring more of the upstream.
      for (const _ of questions) await turn()
    },
    turn,
    end: () => call(workspace, null, { method: 'DELETE' }),
  }
}

function local(checkout: string, start: number): Worker {
  let at = start
  return {
    async turn() {
      at += 1
      await runGit(['--no-optional-locks', ...(bareQuestions[at % bareQuestions.length] ?? [])], { cwd: checkout })
    },
  }
}

async function readyAgainMs(stateDir: string, host: string, repo: string): Promise<number> {
  const killed = await startService({ stateDir, host })
  await call(`${killed.url}/v1/workspaces`, { repo })
  await killed.kill()
  const startedAt = performance.now()
  return withService({ stateDir, host }, async ({ url }) => {
    await call(`${url}/v1/operations/status`, { repo })
    return performance.now() - startedAt
  })
}
