import { join } from 'node:path'
import { withGround } from './measure/ground.ts'
import { completeOptions, type BenchOptions } from './measure/options.ts'
import { comparisonHead, comparisonRows, saveResults, textTable } from './measure/report.ts'
import { withScratch } from './measure/scratch.ts'
import { ask, call, withService } from './measure/service.ts'
import { measureInTurns, summarise, type Side } from './measure/sides.ts'

/** What waits for nobody any more: `status` in a workspace of 80k files, and opening one, both over HTTP. */
export async function run(options: BenchOptions): Promise<void> {
  const complete = completeOptions(options, { rounds: 50 })
  const { print, rounds, signal } = complete
  await withGround(['files-80k'], complete, (ground) =>
    withScratch((scratch) =>
      withService({ stateDir: join(scratch, 'state'), host: ground.host }, async ({ url }) => {
        const repo = ground.url('files-80k')
        await call(`${url}/v1/images`, { repo })
        const workspace = `${url}/v1/workspaces/${(await call<{ id: string }>(`${url}/v1/workspaces`, { repo })).id}`
        await call(`${workspace}/operations/write-file`, { path: 'notes.txt', content: 'changed\n' })
        const asked: number[] = []
        const sides: readonly Side[] = [
          timed('status', () => call(`${workspace}/operations/status`, {})),
          opening(url, repo, asked),
        ]
        await measureInTurns(sides, { rounds: 3, signal })
        asked.length = 0
        const measured = await measureInTurns(sides, { rounds, signal })
        await print(textTable([comparisonHead, ...comparisonRows('80k files over HTTP', measured, 'status')]))
        const p50 = summarise(asked.map((ms) => ({ ms, bytes: null }))).p50
        await print(`the remote's own answer when opening: ${p50.toFixed(1)} ms (p50)\n`)
        await print(`samples: ${await saveResults('warm', measured)}\n`)
      }),
    ),
  )
}

function timed(name: string, work: () => Promise<unknown>): Side {
  return {
    name,
    async run() {
      const startedAt = performance.now()
      await work()
      return { ms: performance.now() - startedAt, bytes: null }
    },
  }
}

/** Opening; how long the remote took to say what the ref is, goes to `asked`. */
function opening(url: string, repo: string, asked: number[]): Side {
  let id = ''
  return {
    ...timed('open', async () => {
      const { value, receipt } = await ask<{ id: string }>(`${url}/v1/workspaces`, { repo })
      id = value.id
      asked.push(receipt?.phases.find(({ name }) => name === 'resolve')?.ms ?? 0)
    }),
    async clean() {
      await call(`${url}/v1/workspaces/${id}`, null, { method: 'DELETE' })
    },
  }
}
