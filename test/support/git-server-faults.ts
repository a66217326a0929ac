import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { createGzip } from 'node:zlib'
import type { ServerResponse } from 'node:http'

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
  /** Extra lines in the answer to `ls-refs`, without their length. */
  | { readonly kind: 'refs'; readonly lines: readonly string[] }
  /** A body of the tester's own for the advertisement. */
  | { readonly kind: 'advertisement'; readonly body: string; readonly contentType?: string }
)

export interface Asked {
  readonly pathname: string
  readonly search: URLSearchParams
  readonly command: string | null
  readonly method: string
}

/** Answers in the way of the fault; false where this request is to be served honestly. */
export function answerWithFault(fault: Fault, asked: Asked, response: ServerResponse): boolean {
  const isAdvertisement = asked.method === 'GET'
  const advertisement = { 'content-type': 'application/x-git-upload-pack-advertisement' }
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
      response.write('001e# service=git-upload-pack\n0000000eversi', () => response.destroy())
      return true
    case 'stalled-advertisement':
      if (!isAdvertisement) return false
      response.writeHead(200, advertisement).write('001e# service=git-upload-pack\n0000000eversi')
      return true
    case 'trickle': {
      if (!isAdvertisement) return false
      response.writeHead(200, advertisement).write('001e# service=git-upload-pack\n0000fff0')
      const timer = setInterval(() => response.write('x'), 20)
      response.on('close', () => clearInterval(timer))
      return true
    }
    case 'endless-advertisement':
      if (!isAdvertisement) return false
      response.writeHead(200, advertisement)
      send(
        endless('001e# service=git-upload-pack\n0000000eversion 2\n', () => packet(`agent=${'a'.repeat(60_000)}\n`)),
        response,
      )
      return true
    case 'gzip-advertisement':
      if (!isAdvertisement) return false
      response.writeHead(200, { ...advertisement, 'content-encoding': 'gzip' })
      send(
        endless('001e# service=git-upload-pack\n0000', () => '0'.repeat(1 << 20)),
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
      const tail = asked.method === 'GET' ? '/info/refs' : '/git-upload-pack'
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
      response.writeHead(200, { 'content-type': fault.contentType ?? advertisement['content-type'] }).end(fault.body)
      return true
    case 'not-our-ref':
      if (asked.command !== 'fetch') return false
      response.writeHead(200, result).end(`${packet(`ERR upload-pack: not our ref ${'1'.repeat(40)}`)}0000`)
      return true
    default:
      return false
  }
}

/** One pkt-line with its length in front. */
export function packet(text: string): string {
  return (text.length + 4).toString(16).padStart(4, '0') + text
}

/** Passes on so many bytes, then breaks the connection. */
export async function* cutAfter(chunks: AsyncIterable<Buffer>, bytes: number, response: ServerResponse) {
  let left = bytes
  for await (const chunk of chunks) {
    yield chunk.subarray(0, left)
    left -= chunk.length
    if (left > 0) continue
    // The bytes passed on so far must have left before the connection is torn down.
    await new Promise<void>((resolve) => response.write('', () => resolve()))
    response.destroy()
    return
  }
}

function endless(head: string, next: (round: number) => string | Buffer): Readable {
  function* chunks() {
    yield Buffer.from(head, 'latin1')
    for (let round = 0; ; round += 1) {
      const chunk = next(round)
      yield typeof chunk === 'string' ? Buffer.from(chunk, 'latin1') : chunk
    }
  }
  return Readable.from(chunks(), { objectMode: false, highWaterMark: 1 << 16 })
}

function send(source: Readable, response: ServerResponse, through?: NodeJS.ReadWriteStream) {
  response.on('close', () => source.destroy())
  const last = through ? source.pipe(through) : source
  last.pipe(response)
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
