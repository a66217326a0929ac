import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { finish } from '../src/core/exec.ts'
import type { Composed } from '../src/compose.ts'
import type { Sandbox } from '../src/sandbox/contract.ts'
import { withComposed } from './measure/composed.ts'
import { completeOptions, type BenchOptions } from './measure/options.ts'
import { comparisonHead, comparisonRows, saveResults, textTable } from './measure/report.ts'
import { withScratch } from './measure/scratch.ts'
import { measureInTurns, summarise, type Side } from './measure/sides.ts'

/** A hardened command in a living sandbox against a bare process of the host. */
export async function run(options: BenchOptions): Promise<void> {
  const { print, rounds, signal } = completeOptions(options, { rounds: 200 })
  await withScratch((scratch) =>
    withComposed({ stateDir: join(scratch, 'state'), host: '127.0.0.1' }, async ({ driver, limits }: Composed) => {
      const sandbox = await driver.create(
        { image: null, upper: 'memory', network: 'none', limits, metadata: { role: 'bench' } },
        { signal },
      )
      const measured = await measureInTurns([bareSide(), hardenedSide(sandbox, signal)], { rounds, signal })
      const [bare, hardened] = measured.map(({ samples }) => summarise(samples).p50)
      await print(textTable([comparisonHead, ...comparisonRows('true', measured, 'bare spawn')]))
      await print(`hardened command: ${((hardened ?? 0) - (bare ?? 0)).toFixed(2)} ms above a bare spawn\n`)
      await print(`samples: ${await saveResults('exec', measured)}\n`)
    }),
  )
}

function bareSide(): Side {
  return {
    name: 'bare spawn',
    async run() {
      const startedAt = performance.now()
      const child = spawn('/usr/bin/true', [], { stdio: ['ignore', 'pipe', 'pipe'], env: {} })
      child.stdout.resume()
      child.stderr.resume()
      await once(child, 'close')
      return { ms: performance.now() - startedAt, bytes: null }
    },
  }
}

function hardenedSide(sandbox: Sandbox, signal: AbortSignal): Side {
  return {
    name: 'hardened command',
    async run() {
      const startedAt = performance.now()
      const command = {
        argv: ['/usr/bin/true'],
        cwd: '/workspace',
        env: {},
        signal,
        deadlineMs: 10_000,
        maxOutputBytes: 1000,
      }
      const { code } = await finish(sandbox.exec(command))
      if (code !== 0) throw new Error(`Cannot measure: exit code ${code}`)
      return { ms: performance.now() - startedAt, bytes: null }
    },
  }
}
