import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { startGitServer, type BasicAuth } from '../test/support/git-server.ts'
import { generate } from './generate/generate.ts'
import { mannWhitneyP } from './measure/mann-whitney.ts'
import { completeOptions, type BenchOptions } from './measure/options.ts'
import { runGit } from './measure/process.ts'
import { comparisonHead, comparisonRows, saveResults, textTable } from './measure/report.ts'
import { withScratch } from './measure/scratch.ts'
import { call, Refused, withService } from './measure/service.ts'
import { measureInTurns, type Side } from './measure/sides.ts'

const warm = 'with an image'
const cold = 'without an image'
const auth: BasicAuth = { username: 'owner', password: 'of-the-repository' }
const owner = { 'git-authorization': `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}` }
const stranger = { 'git-authorization': `Basic ${Buffer.from('stranger:guess').toString('base64')}` }

/** What a caller without access is told, and how soon, of a private repository that others have used and of one that nobody has. */
export async function run(options: BenchOptions): Promise<void> {
  const { print, rounds, signal, directory } = completeOptions(options, { rounds: 200 })
  const [used, unused] = await twins(directory)
  const server = await startGitServer({ root: directory, auth })
  await withScratch(async (scratch) => {
    const stateDir = join(scratch, 'state')
    await withService({ stateDir, host: server.host }, async ({ url }) => {
      const bodies = new Map<string, Set<string>>()
      await call(`${url}/v1/images`, { repo: server.url(used) }, { headers: owner })
      const ask = (repo: string) => call(`${url}/v1/operations/log`, { repo: server.url(repo) }, { headers: stranger })
      const sides = [refusalSide(warm, () => ask(used), bodies), refusalSide(cold, () => ask(unused), bodies)]
      await measureInTurns(sides, { rounds: 10, signal })
      const measured = await measureInTurns(sides, { rounds, signal })
      const [one, other] = measured.map(({ samples }) => samples.map(({ ms }) => ms))
      await print(textTable([comparisonHead, ...comparisonRows('refusal', measured, cold)]))
      const [a, b] = [bodies.get(warm), bodies.get(cold)].map((set) => [...(set ?? [])].join('\n'))
      await print(`${a === b ? 'one body for both' : `bodies differ: ${a} and ${b}`}\n`)
      await print(`Mann-Whitney p = ${mannWhitneyP(one ?? [], other ?? []).toFixed(4)}\n`)
      await print(`samples: ${await saveResults('refusal', measured)}\n`)
    })
  })
  await server.close()
}

/** Two repositories that differ in their names only. */
async function twins(directory: string): Promise<readonly [string, string]> {
  const original = join(directory, await generate(directory, 'files-1k'))
  const names = ['twin-0.git', 'twin-1.git'] as const
  for (const name of names) {
    const path = join(directory, name)
    if (!existsSync(path)) await runGit(['clone', '--quiet', '--mirror', original, path])
  }
  return names
}

function refusalSide(name: string, ask: () => Promise<unknown>, bodies: Map<string, Set<string>>): Side {
  const seen = new Set<string>()
  bodies.set(name, seen)
  return {
    name,
    async run() {
      const startedAt = performance.now()
      const refusal = await ask().catch((error: unknown) => error)
      const ms = performance.now() - startedAt
      if (!(refusal instanceof Refused)) throw new Error('Cannot measure: it was not refused', { cause: refusal })
      seen.add(refusal.body)
      return { ms, bytes: null }
    },
  }
}
