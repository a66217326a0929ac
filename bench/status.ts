import { join } from 'node:path'
import { finishOk } from '../src/core/exec.ts'
import type { Sandbox } from '../src/sandbox/contract.ts'
import { withComposed } from './measure/composed.ts'
import { withGround } from './measure/ground.ts'
import { completeOptions, type BenchOptions } from './measure/options.ts'
import { comparisonHead, comparisonRows, saveResults, textTable } from './measure/report.ts'
import { withScratch } from './measure/scratch.ts'
import { measureInTurns, summarise, type Side } from './measure/sides.ts'

const CHANGED_FILES = 10

/** `git status` in a fork of 80k files with ten changed: with the fsmonitor hook, and the same without it. */
export async function run(options: BenchOptions): Promise<void> {
  const complete = completeOptions(options, { rounds: 40 })
  const { print, rounds, signal } = complete
  await withGround(['files-80k'], complete, (ground) =>
    withScratch((scratch) =>
      withComposed({ stateDir: join(scratch, 'state'), host: ground.host }, async ({ driver, limits, engine }) => {
        const image = (await engine.warm({ repo: ground.url('files-80k') }, { signal })).value.id
        const fork = await driver.create(
          { image, upper: 'memory', network: 'none', limits, metadata: { role: 'bench' } },
          { signal },
        )
        const shell = (script: string, env: Record<string, string> = {}): Promise<string> =>
          inFork(fork, script, env, signal)
        await shell(
          `git ls-files | awk 'NR % 7919 == 1' | head -${CHANGED_FILES} | while read -r path; do echo changed >>"$path"; done`,
        )
        const plain = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'core.fsmonitor', GIT_CONFIG_VALUE_0: 'false' }
        const said = [await shell('git status --porcelain'), await shell('git status --porcelain', plain)]
        if (said[0] !== said[1] || said[0]?.split('\n').length !== CHANGED_FILES + 1)
          throw new Error('Cannot measure: the two answers differ')
        const sides = [
          statusSide('without the hook', () => shell('exec git status --porcelain', plain)),
          statusSide('with the hook', () => shell('exec git status --porcelain')),
        ]
        const measured = await measureInTurns(sides, { rounds, signal })
        const [without, withHook] = measured.map(({ samples }) => summarise(samples).p50)
        await print(
          textTable([comparisonHead, ...comparisonRows('git status, 10 of 80k changed', measured, 'without the hook')]),
        )
        await print(
          `ratio ${((withHook ?? 0) / (without ?? 1)).toFixed(2)}\nsamples: ${await saveResults('status', measured)}\n`,
        )
      }),
    ),
  )
}

function statusSide(name: string, status: () => Promise<string>): Side {
  return {
    name,
    async run() {
      const startedAt = performance.now()
      await status()
      return { ms: performance.now() - startedAt, bytes: null }
    },
  }
}

async function inFork(
  fork: Sandbox,
  script: string,
  env: Record<string, string>,
  signal: AbortSignal,
): Promise<string> {
  const base = { PATH: '/usr/bin:/bin', HOME: '/home', LC_ALL: 'C', GIT_OPTIONAL_LOCKS: '0', ...env }
  const command = {
    argv: ['/bin/sh', '-c', script],
    cwd: '/workspace',
    env: base,
    signal,
    deadlineMs: 60_000,
    maxOutputBytes: 1e8,
  }
  return (await finishOk(fork.exec(command), 'run a script in the fork')).stdout.toString('utf8')
}
