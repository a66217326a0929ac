import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { createGzip } from 'node:zlib'
import { endless, packet, send } from './git-server-wire.ts'

/** One way a server that is pushed to misbehaves. */
export type PushFault =
  /** `POST` for the push itself, `GET` for the introduction to it. */
  | { readonly kind: 'push-status'; readonly status: number; readonly on: 'GET' | 'POST' }
  /** The push is carried out, but its report breaks off. */
  | { readonly kind: 'cut-report'; readonly afterBytes: number }
  /** The pack is read, nothing is done with it, and this is answered; with `keepalives` only after so many. */
  | { readonly kind: 'report'; readonly body: Answer; readonly keepalives?: number; readonly compressed?: boolean }
  /** Every ref of a very large repository, and one more. */
  | { readonly kind: 'endless-push-refs' | 'endless-hook' }
  /** What old proxies do. */
  | { readonly kind: 'no-chunks' }

/** What is known of a request before it is answered. */
export interface AskedToTake {
  /** `git-upload-pack` or `git-receive-pack`. */
  readonly service: string
  readonly command: string | null
  readonly method: string
  readonly headers: IncomingHttpHeaders
  readonly body: AsyncIterable<Buffer>
}

/** A text, or what is made of the credential that was sent. */
export type Answer = string | ((authorization: string) => string)

/** The text to answer a request with. */
export function answerTo({ headers }: { readonly headers: IncomingHttpHeaders }, body: Answer): string {
  return typeof body === 'string' ? body : body(headers.authorization ?? '')
}

const abilities = 'report-status side-band-64k ofs-delta object-format=sha1 agent=git/test'

/** Answers in the way of the fault; false where this request is to be served honestly. */
export function answerWithPushFault(
  fault: { readonly kind: string } | PushFault,
  asked: AskedToTake,
  response: ServerResponse,
): boolean {
  if (asked.service !== 'git-receive-pack' || !isPushFault(fault)) return false
  const result = { 'content-type': 'application/x-git-receive-pack-result' }
  switch (fault.kind) {
    case 'push-status':
      if (asked.method !== fault.on) return false
      response.writeHead(fault.status).end('no\n')
      return true
    case 'no-chunks':
      if (asked.headers['transfer-encoding'] !== 'chunked') return false
      response.writeHead(411).end()
      return true
    case 'endless-push-refs':
      if (asked.method !== 'GET') return false
      response.writeHead(200, { 'content-type': 'application/x-git-receive-pack-advertisement' })
      send(
        endless(`${packet('# service=git-receive-pack\n')}0000${pushRefs([])}`, (round) =>
          packet(`${'1'.repeat(40)} refs/heads/branch-${round}\n`).repeat(500),
        ),
        response,
      )
      return true
    case 'endless-hook':
      if (asked.command !== 'push') return false
      response.writeHead(200, result)
      send(
        endless('', () => band(2, 'and so on\n'.repeat(5000))),
        response,
      )
      return true
    case 'report':
      if (asked.command !== 'push') return false
      void report(fault, asked, response)
      return true
    default:
      return false
  }
}

/** Text of one side band. */
export function band(number: 1 | 2 | 3, text: string): string {
  return packet(String.fromCharCode(number) + text)
}

/** Refs as `receive-pack` lists them, abilities first. */
export function pushRefs(lines: readonly string[], names = abilities): string {
  const [first = `${'1'.repeat(40)} refs/heads/first`, ...others] = lines
  return packet(`${first}\0${names}\n`) + others.map((line) => packet(`${line}\n`)).join('')
}

/** A whole answer with this report, one text for each line. */
export function reportOf(...lines: string[]): string {
  return `${band(1, `${lines.map((line) => packet(`${line}\n`)).join('')}0000`)}0000`
}

async function report(
  { body, keepalives = 0, compressed = false }: PushFault & { kind: 'report' },
  asked: AskedToTake,
  response: ServerResponse,
): Promise<void> {
  let bytes = 0
  for await (const chunk of asked.body) bytes += chunk.length
  response.writeHead(200, {
    'content-type': 'application/x-git-receive-pack-result',
    'x-received': `${bytes}`,
    ...(compressed ? { 'content-encoding': 'gzip' } : {}),
  })
  if (compressed) {
    send(
      endless(answerTo(asked, body), () => '0'.repeat(1 << 20)),
      response,
      createGzip(),
    )
    return
  }
  let left = keepalives
  const timer = setInterval(() => {
    if (left > 0) response.write(band(2, ''))
    else response.end(answerTo(asked, body), 'latin1')
    left -= 1
  }, 20)
  response.on('close', () => clearInterval(timer))
}

function isPushFault(fault: { readonly kind: string } | PushFault): fault is PushFault {
  return ['push-status', 'cut-report', 'report', 'endless-push-refs', 'endless-hook', 'no-chunks'].includes(fault.kind)
}
