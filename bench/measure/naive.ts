import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { finishOk } from '../../src/core/exec.ts'
import type { Sandbox, SandboxDriver, SandboxLimits } from '../../src/sandbox/contract.ts'
import { WORKSPACE } from '../../src/workspace/place.ts'
import { gitEnvironment } from './process.ts'
import type { Sample, Side } from './sides.ts'

/**
 * The naive way of serving requests: no sandbox is there before a request, and none is left after it. Its driver is open
 * and git has no configuration but its own, so that it is no slower than it has to be.
 */
export interface Naive {
  /** A request: a new sandbox, a full clone in it, git with these arguments, each metric awaited. */
  asking(args: readonly string[]): Side
  /** What the parts of all requests took, a sample each. */
  readonly parts: Readonly<Record<'creation' | 'clone' | 'metrics', readonly Sample[]>>
}

interface NaiveOptions {
  readonly driver: SandboxDriver
  readonly limits: SandboxLimits
  readonly repo: string
  /** Where metrics are posted to, on this machine. */
  readonly receiverPort: string
  readonly signal: AbortSignal
}

const DEADLINE_MS = 600_000

export function naiveWay({ driver, limits, repo, receiverPort, signal }: NaiveOptions): Naive {
  const parts = { creation: [] as Sample[], clone: [] as Sample[], metrics: [] as Sample[] }
  const agent = new Agent({ keepAlive: true })

  /** Awaits that one record, as a line of Prometheus' text format, is taken. */
  async function push(work: string, ms: number): Promise<void> {
    const posting = request({ host: '127.0.0.1', port: receiverPort, method: 'POST', agent, signal })
    posting.end(`naive_duration_seconds{work="${work}"} ${ms / 1000}\n`)
    const [response] = await once(posting, 'response')
    await once(response.resume(), 'end')
  }

  async function git(sandbox: Sandbox, args: readonly string[]): Promise<void> {
    const how = { cwd: WORKSPACE, env: gitEnvironment, signal, deadlineMs: DEADLINE_MS, maxOutputBytes: Infinity }
    await finishOk(sandbox.exec({ argv: ['git', ...args], ...how }), `run git ${args[0]}`)
  }

  function asking(args: readonly string[]): Side {
    let sandbox: Sandbox | null = null
    const create = async (): Promise<Sandbox> => {
      const spec = { image: null, upper: 'disk', network: 'host', limits, metadata: { role: 'bench' } } as const
      return (sandbox = await driver.create(spec, { signal }))
    }
    return {
      name: 'naive',
      async run() {
        let pushing = 0
        const pushed = async (work: string, ms: number): Promise<void> => {
          pushing += (await timed(() => push(work, ms))).ms
        }
        const startedAt = performance.now()
        const created = await timed(create)
        await pushed('creation', created.ms)
        const cloned = await timed(() => git(created.value, ['clone', '--quiet', repo, '.']))
        await pushed('clone', cloned.ms)
        const answered = await timed(() => git(created.value, args))
        await pushed('git', answered.ms)
        await pushed('operation', performance.now() - startedAt)
        const ms = performance.now() - startedAt
        parts.creation.push({ ms: created.ms, bytes: null })
        parts.clone.push({ ms: cloned.ms, bytes: null })
        parts.metrics.push({ ms: pushing, bytes: null })
        return { ms, bytes: null }
      },
      clean: async () => sandbox?.destroy(),
    }
  }

  return { asking, parts }
}

async function timed<Value>(work: () => Promise<Value>): Promise<{ readonly value: Value; readonly ms: number }> {
  const startedAt = performance.now()
  const value = await work()
  return { value, ms: performance.now() - startedAt }
}
