import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import type { EngineHome } from './engine-home.ts'
import { imageComplaints } from './fsck-images.ts'
import { startGitServer } from './git-server.ts'
import { leftovers } from './leftovers.ts'
import { cleanState, eventually } from './push-target.ts'
import { seeded } from './seeded.ts'
import { makeRepository } from './repository.ts'
import { live, type StormNews } from './storm-process.ts'

/** What a process would do in a whole life. */
const CYCLES_OF_A_PROCESS = 2

const program = new URL('storm-process.ts', import.meta.url).pathname

/** What a storm came to. */
export interface StormCounts {
  readonly begun: number
  readonly done: number
  readonly kills: number
}

/**
 * Agents at work, one process after another, each killed at a random moment, until so many cycles were begun. Whatever a
 * kill interrupts, the next start leaves nothing of it, what was said to be pushed is pushed, and the upstream is sound.
 */
export async function workspaceStorm(
  home: EngineHome,
  { cycles, seed, report }: { readonly cycles: number; readonly seed: number; readonly report: (text: string) => void },
): Promise<StormCounts> {
  const next = seeded(seed)
  const source = await makeRepository(`${home.dir}/storm.git`, { bare: true })
  const files = Array.from({ length: 60 }, (_, at) => [`d${at % 7}/f${at}`, `${at}\n`.repeat(30)] as const)
  await source.commit({ files: { 'README.md': '# Storm\n', ...Object.fromEntries(files) } })
  const server = await startGitServer({ root: home.dir })
  const repo = server.url('storm')
  const pushed: Extract<StormNews, { done: number }>[] = []
  let [begun, kills, round] = [0, 0, 0]

  /** One process, killed after so long if it is still there; resolves once it is gone. */
  async function interrupted(afterMs: number): Promise<void> {
    const orders = { settings: home.settings, repo, branch: `storm-${round}`, cycles: CYCLES_OF_A_PROCESS }
    const argv = ['--disable-warning=ExperimentalWarning', program, JSON.stringify(orders)]
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] })
    const lines = (async () => {
      for await (const line of createInterface({ input: child.stdout })) {
        const news = JSON.parse(line) as StormNews
        if ('done' in news) pushed.push(news)
        else begun += 1
      }
    })()
    const gone = new Promise<NodeJS.Signals | null>((resolve) =>
      child.once('close', (_code, signal) => resolve(signal)),
    )
    const quiet = new AbortController()
    await Promise.race([pause(afterMs, undefined, { signal: quiet.signal }).catch(() => {}), gone])
    quiet.abort()
    child.kill('SIGKILL')
    kills += (await gone) === 'SIGKILL' ? 1 : 0
    await lines
  }

  try {
    // How long a life takes is a matter of the machine.
    const startedAt = performance.now()
    await interrupted(2 ** 31 - 1)
    const lifeMs = performance.now() - startedAt
    while (begun < cycles) {
      round += 1
      await interrupted(next() * lifeMs)
      // A start sweeps up after those that are gone.
      const engine = await home.open()
      await engine.run('status', { repo })
      await engine.close()
      assert.deepEqual(leftovers(home), [], `round ${round}`)
      report(`${begun} of ${cycles} cycles begun, ${pushed.length} done, ${kills} kills`)
    }
    const before = descriptors()
    await live({ settings: home.settings, repo, branch: 'calm', cycles: 2 }, () => {})
    await eventually(async () => assert(descriptors() <= before))
    assert.deepEqual(leftovers(home), [])
    for (const { branch, commit } of pushed)
      assert.equal(await source.git(['rev-parse', `refs/heads/${branch}`]), commit)
    // What a broken connection left half received, the server's git puts away by itself.
    await eventually(() => cleanState(source))
    await source.git(['fsck', '--full', '--strict', '--no-dangling'])
    assert.deepEqual(await imageComplaints(home), [])
  } finally {
    await server.close()
  }
  return { begun, done: pushed.length, kills }
}

function descriptors(): number {
  return readdirSync('/proc/self/fd').length
}
