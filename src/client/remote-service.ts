import { randomBytes, randomUUID } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { correlationId, newCorrelationId } from '../core/correlation.ts'
import { AppError } from '../core/errors.ts'
import type { RequestOptions } from '../engine/contract.ts'
import { plainAgents, secureAgents } from '../git/remote/http-agents.ts'
import { exchange, type Method, type ServiceAnswer } from './exchange.ts'
import { gathered } from './gathered.ts'
import { jsonOf, refused } from './refusal.ts'
import { repeated } from './repeat.ts'
import { serviceAddress } from './service-address.ts'
import { serviceRecords, type ServiceRecord } from './service-records.ts'

/** One question to the service. */
export interface Question {
  readonly method: Method
  /** From `/v1` on, encoded. */
  readonly path: string
  /** Sent as JSON; `undefined` sends nothing. */
  readonly input?: unknown
  /** Sent as it is, instead of `input`. */
  readonly content?: Uint8Array | AsyncIterable<Uint8Array>
  readonly headers?: Readonly<Record<string, string>>
  /** Whether it may be sent again: as it is, with a key by which the service knows it again, or not at all. */
  readonly repeats: 'freely' | 'by-key' | 'never'
  readonly options: RequestOptions
}

/** A service as the client's other parts ask it; every failure is an AppError, the service's own among them. */
export interface RemoteService {
  /** The answer to a question as `use` reads it; both are repeated where the question may be. */
  ask<T>(question: Question, use: (answer: ServiceAnswer) => Promise<T>): Promise<T>
  /** A JSON answer. */
  value<T>(question: Question): Promise<T>
  /** The same where the service may tell meanwhile how far it is, and hand over one by one what the field `list` lists. */
  valueWithProgress<T>(question: Question, list?: string | null): Promise<T>
  /** A question whose answer says nothing more. */
  done(question: Question): Promise<void>
  /** An answer in records, as they come. */
  records(question: Question): Promise<AsyncIterable<ServiceRecord>>
  /** Breaks off what is under way and lets all connections go. */
  close(): void
}

const ndjson = 'application/x-ndjson'

export function remoteService(address: string, { key }: { readonly key: string | null }): RemoteService {
  const { url, prefix } = serviceAddress(address)
  if (key !== null && !/^[\x21-\x7e]+$/.test(key))
    throw new AppError('input_invalid', 'Cannot connect: the key is empty or holds characters that no header may')
  const agents = url.protocol === 'https:' ? secureAgents({ ca: null }) : plainAgents()
  const closing = new AbortController()
  let wasReached = false

  async function answered(
    { method, path, content, input }: Question,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<ServiceAnswer> {
    const body = content ?? jsonBytes(input)
    const answer = await exchange({ url, path: prefix + path, method, headers, body, agent: agents.kept, signal })
    wasReached = true
    if (answer.status >= 200 && answer.status < 300) return answer
    throw await refused(answer)
  }

  async function ask<T>(question: Question, use: (answer: ServiceAnswer) => Promise<T>): Promise<T> {
    const headers = { ...headersOf(question), ...(key === null ? {} : { authorization: `Bearer ${key}` }) }
    const { signal: callers } = question.options
    const signal = callers === undefined ? closing.signal : AbortSignal.any([closing.signal, callers])
    const once = async (): Promise<T> => use(await answered(question, headers, signal))
    if (question.repeats === 'never') return await once()
    return await repeated(once, { wasReached: () => wasReached, signal })
  }

  const value = <T>(question: Question): Promise<T> => ask(question, (answer) => valueOf<T>(answer))

  return {
    ask,
    value,
    valueWithProgress<T>(question: Question, list: string | null = null) {
      const { onProgress } = question.options
      if (onProgress === undefined) return value<T>(question)
      const headers = { ...question.headers, accept: `${ndjson}, application/json` }
      return ask({ ...question, headers }, (answer) => wholeValue<T>(answer, { list, onProgress }))
    },
    done: (question) => ask(question, async ({ body }) => void (await buffer(body))),
    records: (question) =>
      ask({ ...question, headers: { ...question.headers, accept: ndjson } }, async ({ body }) => serviceRecords(body)),
    close() {
      closing.abort(new AppError('canceled', 'Cannot finish: the client was closed'))
      agents.close()
    },
  }
}

function headersOf({ input, content, headers, repeats, options }: Question): Record<string, string> {
  const { gitAuthorization } = options
  const id = correlationId() ?? newCorrelationId()
  return {
    accept: 'application/json',
    traceparent: `00-${id}-${randomBytes(8).toString('hex')}-01`,
    ...(content !== undefined ? { 'content-type': 'application/octet-stream' } : {}),
    ...(input !== undefined ? { 'content-type': 'application/json' } : {}),
    ...(gitAuthorization === undefined ? {} : { 'git-authorization': gitAuthorization }),
    ...(repeats === 'by-key' ? { 'idempotency-key': randomUUID() } : {}),
    ...headers,
  }
}

function jsonBytes(input: unknown): Uint8Array | null {
  if (input === undefined) return null
  try {
    return Buffer.from(JSON.stringify(input))
  } catch (cause) {
    throw new AppError('input_invalid', 'Cannot ask the service: the input is no JSON', { cause })
  }
}

async function valueOf<T>(answer: ServiceAnswer): Promise<T> {
  return (await jsonOf(answer)) as T
}

/** The value of an answer in records, or in one piece where the service gives that. */
async function wholeValue<T>(answer: ServiceAnswer, options: Parameters<typeof gathered>[1]): Promise<T> {
  const isInRecords = answer.headers['content-type']?.startsWith(ndjson) === true
  return isInRecords ? ((await gathered(serviceRecords(answer.body), options)) as T) : await valueOf<T>(answer)
}
