import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { signingKey, type HookKind } from './hook-secrets.ts'

/** A webhook as it came, read by nobody yet. */
export interface Delivery {
  readonly headers: IncomingHttpHeaders
  readonly body: Uint8Array
}

/** What a secret has vouched for. */
export interface Vouched {
  /** Of all that was vouched for: whoever sends it again has the same. */
  readonly digest: string
  /** When it was signed (milliseconds since the epoch); `null` where nothing tells. */
  readonly signedAt: number | null
}

type Headers = Delivery['headers']
type Check = (delivery: Delivery, secrets: readonly string[]) => Vouched | null

const checks: Readonly<Record<HookKind, Check>> = {
  github: signedByGithub,
  gitlab: (delivery, secrets) => signedByGitlab(delivery, secrets) ?? withToken(delivery, secrets),
}

/** Whether there is a body for which one of the secrets may vouch; else none need be read. */
export function mayBeVouchedFor(kind: HookKind, headers: Headers, secrets: readonly string[]): boolean {
  if (kind === 'github') return githubProof(headers) !== null
  return gitlabProof(headers) !== null || bearsToken(headers, secrets)
}

/** What one of the secrets vouches for; `null` where none does. */
export function vouchedBy(kind: HookKind, delivery: Delivery, secrets: readonly string[]): Vouched | null {
  return checks[kind](delivery, secrets)
}

/** An HMAC of the body (https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries); its headers are not signed. */
function signedByGithub({ headers, body }: Delivery, secrets: readonly string[]): Vouched | null {
  const given = githubProof(headers)
  if (given === null) return null
  const isVouched = secrets.some((secret) => isEqual(hmac(secret, [body]), given))
  return isVouched ? { digest: digestOf([body]), signedAt: null } : null
}

function githubProof(headers: Headers): Buffer | null {
  const [, hex] = /^sha256=([0-9a-f]{64})$/.exec(textOf(headers, 'x-hub-signature-256')) ?? []
  return hex === undefined ? null : Buffer.from(hex, 'hex')
}

/** An HMAC of id, time and body (https://www.standardwebhooks.com). */
function signedByGitlab({ headers, body }: Delivery, secrets: readonly string[]): Vouched | null {
  const proof = gitlabProof(headers)
  if (proof === null) return null
  const { id, seconds, given } = proof
  const signed = [`${id}.${seconds}.`, body]
  const isVouched = secrets.some((secret) => {
    const key = signingKey(secret)
    if (key === null) return false
    const expected = hmac(key, signed)
    return given.some((each) => isEqual(expected, each))
  })
  return isVouched ? { digest: digestOf(signed), signedAt: Number(seconds) * 1000 } : null
}

function gitlabProof(headers: Headers) {
  // Neither has a dot, so that what was signed can be read in one way only.
  const [id = ''] = /^[\w-]{1,255}$/.exec(textOf(headers, 'webhook-id')) ?? []
  const [seconds = ''] = /^\d{1,12}$/.exec(textOf(headers, 'webhook-timestamp')) ?? []
  const given = textOf(headers, 'webhook-signature')
    .split(' ')
    .flatMap((each) => /^v1,([A-Za-z0-9+/]{43}=)$/.exec(each)?.[1] ?? [])
    .map((base64) => Buffer.from(base64, 'base64'))
  return id === '' || seconds === '' || given.length === 0 ? null : { id, seconds, given }
}

/** The secret itself: who reads one such request can make others, so that only honest repetitions are known again. */
function withToken({ headers, body }: Delivery, secrets: readonly string[]): Vouched | null {
  if (!bearsToken(headers, secrets)) return null
  // Bodies of different pushes may be equal, as when a branch goes back and forth.
  const id = textOf(headers, 'idempotency-key') || textOf(headers, 'x-gitlab-event-uuid')
  return { digest: digestOf([JSON.stringify(id), body]), signedAt: null }
}

function bearsToken(headers: Headers, secrets: readonly string[]): boolean {
  const given = hashOf([textOf(headers, 'x-gitlab-token')])
  return secrets.some((secret) => signingKey(secret) === null && isEqual(hashOf([secret]), given))
}

function textOf(headers: Headers, name: string): string {
  const value = headers[name]
  return typeof value === 'string' ? value : ''
}

type Part = string | Uint8Array

function hmac(key: string | Buffer, parts: readonly Part[]): Buffer {
  return parts.reduce((sum, part) => sum.update(part), createHmac('sha256', key)).digest()
}

function hashOf(parts: readonly Part[]): Buffer {
  return parts.reduce((sum, part) => sum.update(part), createHash('sha256')).digest()
}

function digestOf(parts: readonly Part[]): string {
  return hashOf(parts).toString('base64')
}

function isEqual(expected: Buffer, given: Buffer): boolean {
  return expected.length === given.length && timingSafeEqual(expected, given)
}
