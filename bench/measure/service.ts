import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { variableOf, type Settings } from '../../src/config.ts'
import type { Receipt } from '../../src/engine/contract.ts'

/** A service in a process of its own, as it is run. */
export interface MeasuredService {
  readonly url: string
  /** Bytes of memory that it has now. */
  readonly memory: () => number
  /** Kills it at once. */
  kill(): Promise<void>
  /** Tells it to stop and waits until it has. */
  stop(): Promise<void>
}

interface ServiceOptions {
  readonly stateDir: string
  /** The one host that it may reach. */
  readonly host: string
  /** What is not to be as it is by default. */
  readonly settings?: Partial<Settings>
}

const program = fileURLToPath(new URL('../../bin/forkyard', import.meta.url))

/** A uid that no other service's sandboxes have, so that what is left is told from what is theirs. */
export const sandboxUid: Readonly<{ sandboxUid?: number }> =
  process.getuid?.() === 0 ? { sandboxUid: 60_000 + (process.pid % 5000) } : {}

export async function startService({ stateDir, host, settings = {} }: ServiceOptions): Promise<MeasuredService> {
  const given = { ...settings, ...sandboxUid, stateDir, allowHosts: host }
  const variables = Object.entries(given).map(([name, value]) => [variableOf(name), String(value)])
  const child = spawn(program, ['serve', '--port=0'], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...ownEnvironment(), ...Object.fromEntries(variables) },
  })
  const ended = once(child, 'close')
  const first = once(child.stdout.setEncoding('utf8'), 'data')
  const [line] = (await Promise.race([first, ended.then(() => ['nothing'])])) as [string]
  const [, url] = /^forkyard serves (http:\S+)/.exec(line) ?? []
  if (url === undefined) throw new Error(`Cannot measure: the service said "${line}"`)
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal)
    await ended
  }
  return { url, memory: () => memoryOf(child.pid), kill: () => end('SIGKILL'), stop: () => end('SIGTERM') }
}

/** Lends a service, and stops it afterwards. */
export async function withService<Result>(
  options: ServiceOptions,
  work: (service: MeasuredService) => Promise<Result>,
): Promise<Result> {
  const service = await startService(options)
  try {
    return await work(service)
  } finally {
    await service.stop()
  }
}

/** What an answer holds; `receipt` only where a working copy gave it. */
interface Answered<Value> {
  readonly value: Value
  readonly receipt?: Pick<Receipt, 'tier' | 'phases'>
}

interface CallOptions {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Sends a request and gives its answer; throws what the service refuses. */
export async function ask<Value>(
  url: string,
  body: unknown,
  { method = 'POST', headers = {} }: CallOptions = {},
): Promise<Answered<Value>> {
  const response = await fetch(url, {
    method,
    headers: { ...(body === null ? {} : { 'content-type': 'application/json' }), ...headers },
    body: body === null ? null : JSON.stringify(body),
  })
  const text = await response.text()
  if (!response.ok) throw new Refused(response.status, text)
  return JSON.parse(text === '' ? '{"value": null}' : text) as Answered<Value>
}

/** The value of an answer. */
export async function call<Value>(url: string, body: unknown, options: CallOptions = {}): Promise<Value> {
  return (await ask<Value>(url, body, options)).value
}

/** An answer that is none of what was asked for. */
export class Refused extends Error {
  readonly code: string
  readonly body: string

  constructor(status: number, body: string) {
    const { code } = JSON.parse(body) as { code: string }
    super(`${status} ${code}`)
    this.code = code
    this.body = body
  }
}

/** Nothing of the settings of whoever measures. */
function ownEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('FORKYARD_')))
}

function memoryOf(pid: number | undefined): number {
  const [, kilobytes = '0'] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) * 1024
}
