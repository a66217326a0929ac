import { randomBytes } from 'node:crypto'
import { createGzip } from 'node:zlib'
import type { ServerResponse } from 'node:http'
import { endless, packet, send } from './git-server-wire.ts'
import {
  answerTo,
  answerWithPushFault,
  type Answer,
  type AskedToTake,
  type PushFault,
} from './git-server-push-faults.ts'

/** One way a server misbehaves; with `times` it turns honest after so many requests. */
export type Fault = { readonly times?: number } & (
  | { readonly kind: 'status'; readonly status: number; readonly realm?: string }
  | { readonly kind: 'html' | 'dumb' | 'v0' | 'bundle-uri' | 'not-our-ref' }
  /** `start`: nothing is ever answered; `command`: the advertisement comes, no POST is answered; `pack`: only `fetch` hangs. */
  | { readonly kind: 'stall'; readonly at: 'start' | 'command' | 'pack' }
  | { readonly kind: 'cut-pack'; readonly afterBytes: number }
  | {
      readonly kind:
        | 'cut-advertisement'
        | 'stalled-advertisement'
        | 'trickle'
        | 'endless-advertisement'
        | 'gzip-advertisement'
        | 'endless-pack'
        | 'endless-refs'
    }
  /** `to` is the URL prefix that takes the place of `http://host:port`, or, where it starts with "/", another repository. */
  | { readonly kind: 'redirect'; readonly to: string; readonly on?: 'GET' | 'POST' }
  | PushFault
  /** Extra lines in the answer to `ls-refs`, without their length. */
  | { readonly kind: 'refs'; readonly lines: readonly string[] }
  /** A body of the tester's own for the answer to `fetch`. */
  | { readonly kind: 'fetch'; readonly body: Answer }
  /** A body of the tester's own for the advertisement. */
  | { readonly kind: 'advertisement'; readonly body: Answer; readonly contentType?: string }
)

export interface Asked extends AskedToTake {
  readonly pathname: string
  readonly search: URLSearchParams
}

/** Answers in the way of the fault; false where this request is to be served honestly. */
export function answerWithFault(fault: Fault, asked: Asked, response: ServerResponse): boolean {
  const isAdvertisement = asked.method === 'GET'
  const advertisement = { 'content-type': `application/x-${asked.service}-advertisement` }
  const opening = `${packet(`# service=${asked.service}\n`)}0000`
  const result = { 'content-type': 'application/x-git-upload-pack-result' }
  switch (fault.kind) {
    case 'status': {
      const realm = { 'www-authenticate': `Basic realm="${fault.realm ?? 'test'}"` }
      response.writeHead(fault.status, fault.status === 401 ? realm : {}).end('no\n')
      return true
    }
    case 'html':
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>hello</html>')
      return true
    case 'dumb':
      response.writeHead(200, { 'content-type': 'text/plain' }).end(`${'1'.repeat(40)}\trefs/heads/main\n`)
      return true
    case 'stall':
      return fault.at === 'start' || (fault.at === 'command' && !isAdvertisement) || asked.command === 'fetch'
    case 'cut-advertisement':
      if (!isAdvertisement) return false
      response.writeHead(200, { ...advertisement, 'content-length': '400' })
      response.write(`${opening}000eversi`, () => response.destroy())
      return true
    case 'stalled-advertisement':
      if (!isAdvertisement) return false
      response.writeHead(200, advertisement).write(`${opening}000eversi`)
      return true
    case 'trickle': {
      if (!isAdvertisement) return false
      response.writeHead(200, advertisement).write(`${opening}fff0`)
      const timer = setInterval(() => response.write('x'), 20)
      response.on('close', () => clearInterval(timer))
      return true
    }
    case 'endless-advertisement':
      if (!isAdvertisement) return false
      response.writeHead(200, advertisement)
      send(
        endless(`${opening}000eversion 2\n`, () => packet(`agent=${'a'.repeat(60_000)}\n`)),
        response,
      )
      return true
    case 'gzip-advertisement':
      if (!isAdvertisement) return false
      response.writeHead(200, { ...advertisement, 'content-encoding': 'gzip' })
      send(
        endless(opening, () => '0'.repeat(1 << 20)),
        response,
        createGzip(),
      )
      return true
    case 'endless-refs':
      if (asked.command !== 'ls-refs') return false
      response.writeHead(200, result)
      send(
        endless('', (n) => packet(`${'1'.repeat(40)} refs/heads/branch-${n}\n`).repeat(500)),
        response,
      )
      return true
    case 'endless-pack':
      if (asked.command !== 'fetch') return false
      response.writeHead(200, result)
      send(endless(packet('packfile\n') + packet(`\x01PACK\0\0\0\x02\0\x3d\x09\0`), randomBlob), response)
      return true
    case 'redirect': {
      if (asked.method !== (fault.on ?? 'GET')) return false
      const query = asked.search.size > 0 ? `?${asked.search.toString()}` : ''
      const tail = asked.method === 'GET' ? '/info/refs' : `/${asked.service}`
      const location = fault.to + (fault.to.startsWith('/') ? tail : asked.pathname) + query
      response.writeHead(302, { location }).end()
      return true
    }
    case 'refs':
      if (asked.command !== 'ls-refs') return false
      response.writeHead(200, result).end(fault.lines.map((line) => packet(line)).join('') + '0000', 'latin1')
      return true
    case 'advertisement':
      if (!isAdvertisement) return false
      response
        .writeHead(200, { 'content-type': fault.contentType ?? advertisement['content-type'] })
        .end(answerTo(asked, fault.body))
      return true
    case 'fetch':
      if (asked.command !== 'fetch') return false
      response.writeHead(200, result).end(answerTo(asked, fault.body), 'latin1')
      return true
    case 'not-our-ref':
      if (asked.command !== 'fetch') return false
      response.writeHead(200, result).end(`${packet(`ERR upload-pack: not our ref ${'1'.repeat(40)}`)}0000`)
      return true
    default:
      return answerWithPushFault(fault, asked, response)
  }
}

/** A stored blob of random bytes as pack data on band 1, so that its zlib stream is valid and never ends the pack. */
function randomBlob(): Buffer {
  const data = randomBytes(60_000)
  // Type 3 (blob), size 60000: low 4 bits, then 7 bits each.
  const size = Buffer.from([0xb0 | (data.length & 15), 0x80 | ((data.length >> 4) & 127), (data.length >> 11) & 127])
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(adler32(data))
  const stored = Buffer.from([
    0x78,
    0x01,
    0x01,
    data.length & 255,
    data.length >> 8,
    ~data.length & 255,
    (~data.length >> 8) & 255,
  ])
  const body = Buffer.concat([Buffer.from([1]), size, stored, data, sum])
  return Buffer.concat([Buffer.from((body.length + 4).toString(16).padStart(4, '0')), body])
}

function adler32(data: Uint8Array): number {
  let a = 1
  let b = 0
  for (const byte of data) {
    a = (a + byte) % 65_521
    b = (b + a) % 65_521
  }
  return ((b << 16) | a) >>> 0
}
