import type { Receipt } from '../../src/engine/contract.ts'
import type { Worker } from './crowd.ts'
import { ask, call, type MeasuredService } from './service.ts'

/** One operation that was asked for, and what its receipt says. */
export interface Asked extends Pick<Receipt, 'tier' | 'phases'> {
  readonly kind: 'open' | 'in a workspace' | 'one-shot'
  readonly name: string
  readonly repo: string
  /** Milliseconds on one clock for all. */
  readonly startedAt: number
  readonly endedAt: number
}

/** What is asked in a workspace, and of a repository. */
const questions = [
  ['status', {}],
  ['diff', { from: 'HEAD' }],
  ['log', { limit: 20 }],
] as const
const oneShots = [
  ['log', { limit: 20 }],
  ['status', {}],
  ['diff', { from: 'main~3', to: 'main' }],
] as const

/**
 * A client that in turn visits a repository (opens a workspace, runs a program in it and closes it), asks something in a
 * workspace of its own, and asks something of a repository; `pick` says which repository, `note` hears of everything but
 * the beginning and the end.
 */
export function mixedClient({ url }: MeasuredService, pick: () => string, note: (asked: Asked) => void): Worker {
  const own = { repo: pick(), workspace: '' }
  let at = 0

  async function noted<Value>(
    asked: Pick<Asked, 'kind' | 'name' | 'repo'>,
    path: string,
    body: unknown,
  ): Promise<Value> {
    const startedAt = performance.now()
    const { value, receipt } = await ask<Value>(`${url}/v1/${path}`, body)
    if (receipt === undefined) throw new Error(`Cannot measure: ${asked.name} was answered without a receipt`)
    const { tier, phases } = receipt
    note({ ...asked, startedAt, endedAt: performance.now(), tier, phases })
    return value
  }

  async function visit(): Promise<void> {
    const repo = pick()
    const { id } = await noted<{ id: string }>({ kind: 'open', name: 'open', repo }, 'workspaces', { repo })
    const workspace = `workspaces/${id}`
    try {
      await noted({ kind: 'in a workspace', name: 'exec', repo }, `${workspace}/exec`, { argv: ['true'] })
    } finally {
      await call(`${url}/v1/${workspace}`, null, { method: 'DELETE' })
    }
  }

  async function question(): Promise<void> {
    const [name, input] = questions[round() % questions.length] ?? questions[0]
    await noted({ kind: 'in a workspace', name, repo: own.repo }, `${own.workspace}/operations/${name}`, input)
  }

  async function oneShot(): Promise<void> {
    const [name, input] = oneShots[round() % oneShots.length] ?? oneShots[0]
    const repo = pick()
    await noted({ kind: 'one-shot', name, repo }, `operations/${name}`, { repo, ...input })
  }

  const round = (): number => Math.floor(at / turns.length)
  const turns = [visit, question, oneShot] as const

  return {
    async start() {
      const { id } = await call<{ id: string }>(`${url}/v1/workspaces`, { repo: own.repo })
      own.workspace = `workspaces/${id}`
    },
    async turn() {
      const next = turns[at % turns.length] ?? visit
      await next().finally(() => (at += 1))
    },
    end: () => call(`${url}/v1/${own.workspace}`, null, { method: 'DELETE' }),
  }
}
