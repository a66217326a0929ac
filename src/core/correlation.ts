import { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes } from 'node:crypto'

const current = new AsyncLocalStorage<string>()
const traceparentPattern = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$/

/** A fresh id in the form of a W3C trace id: 32 hexadecimal digits. */
export function newCorrelationId(): string {
  return randomBytes(16).toString('hex')
}

/** The trace id of a W3C traceparent, or a fresh id where there is none that can be trusted to be one. */
export function correlationIdFrom(traceparent: string | undefined): string {
  const match = traceparent === undefined ? null : traceparentPattern.exec(traceparent)
  return match?.[1] ?? newCorrelationId()
}

/** Runs `fn` so that everything it starts carries the id. */
export function withCorrelation<T>(id: string, fn: () => T): T {
  return current.run(id, fn)
}

/** The id of the request being served; `undefined` outside of one. */
export function correlationId(): string | undefined {
  return current.getStore()
}
