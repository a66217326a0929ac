import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeGround } from '../support/engine-repository.ts'
import { openSocket, statuses } from '../support/raw-socket.ts'
import { runService } from '../support/running-service.ts'

const arrivalMs = 400

const ground = makeGround((source) => source.commit({ files: { 'README.md': '# Ground\n' } }))
const service = runService(ground.home, { arrivalMs })

const host = 'Host: 127.0.0.1\r\n'
const post = `POST /v1/operations/log HTTP/1.1\r\n${host}Content-Type: application/json\r\n`

const quoted = (code: string): string => `"code":"${code}"`

/** The service answers, and at once. */
async function assertAlive(): Promise<void> {
  assert.equal((await fetch(`${service.url}/healthz`)).status, 200)
}

const oddities: Readonly<Record<string, readonly [text: string, status: number]>> = {
  'a length and chunks': [`${post}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
  'two lengths': [`${post}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`, 400],
  'two equal lengths': [`${post}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}`, 400],
  'a list of lengths': [`${post}Content-Length: 2, 2\r\n\r\n{}`, 400],
  'a negative length': [`${post}Content-Length: -1\r\n\r\n`, 400],
  'a huge length': [`${post}Content-Length: 99999999999999999999\r\n\r\n`, 400],
  'a length of 1 TB': [`${post}Content-Length: 1099511627776\r\n\r\n`, 413],
  'a coding that is none': [`${post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`, 400],
  'chunked twice': [`${post}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`, 400],
  'a chunk without a length': [`${post}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`, 400],
  'a chunk of a huge length': [`${post}Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n`, 400],
  'a chunk that goes on after its end': [`${post}Transfer-Encoding: chunked\r\n\r\n2\r\n{}xx\r\n0\r\n\r\n`, 400],
  'long chunk extensions': [`${post}Transfer-Encoding: chunked\r\n\r\n2;${'x'.repeat(20_000)}\r\n{}\r\n`, 400],
  'lines that end in LF': [`${post.replaceAll('\r\n', '\n')}Content-Length: 2\n\n{}`, 400],
  'a folded header': [`GET /healthz HTTP/1.1\r\n${host}X-A: a\r\n b\r\n\r\n`, 400],
  'a space before the colon': [`GET /healthz HTTP/1.1\r\n${host}X-A : a\r\n\r\n`, 400],
  'a NUL in a header': [`GET /healthz HTTP/1.1\r\n${host}X-A: a\0b\r\n\r\n`, 400],
  'no host': ['GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
  'two hosts': [`GET /healthz HTTP/1.1\r\n${host}Host: evil.example\r\nConnection: close\r\n\r\n`, 400],
  'a header of 20 kB': [`GET /healthz HTTP/1.1\r\n${host}X-A: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
  '3000 headers': [
    `GET /healthz HTTP/1.1\r\n${host}${Array.from({ length: 3000 }, (_, at) => `X-${at}: a\r\n`).join('')}\r\n`,
    431,
  ],
  'an address of 20 kB': [`GET /${'a'.repeat(20_000)} HTTP/1.1\r\n${host}\r\n`, 431],
  'another protocol': ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
  'a method that is none': [`HACK /healthz HTTP/1.1\r\n${host}\r\n`, 400],
  'a tunnel': [`CONNECT 127.0.0.1:22 HTTP/1.1\r\n${host}\r\n`, 400],
  'garbage behind a request': [`GET /healthz HTTP/1.1\r\n${host}\r\n\0\x01garbage\r\n\r\n`, 400],
}

for (const [name, [text, status]] of Object.entries(oddities)) {
  test(`a connection with ${name} is refused and ended`, async () => {
    const { write, answer, socket } = await openSocket(service.port)
    write(text)
    const said = await answer
    assert.equal(statuses(said).at(-1) ?? 400, status, said.slice(0, 200))
    if (said !== '' && !said.startsWith('HTTP/1.1 200'))
      assert.match(said, /application\/problem\+json[^]*"code":"\w+"/)
    if (status === 431) assert(said.includes(quoted('headers_too_large')))
    socket.destroy()
    await assertAlive()
  })
}

test('a credential that is given twice is taken from neither', async () => {
  const { write, answer, socket } = await openSocket(service.port)
  const body = JSON.stringify({ repo: ground.repo })
  const basic = 'Git-Authorization: Basic YTpi\r\n'
  write(`${post}${basic}${basic}Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`)
  const said = await answer
  assert.deepEqual([statuses(said), /"code":"input_invalid"/.test(said)], [[400], true])
  socket.destroy()
})

test('requests that follow each other at once are answered in their order', async () => {
  const { write, answer, socket } = await openSocket(service.port)
  const get = (path: string) => `GET ${path} HTTP/1.1\r\n${host}\r\n`
  write(
    get('/healthz').repeat(50) + get('/nowhere') + get('/healthz').replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'),
  )
  assert.deepEqual(statuses(await answer), [...Array(50).fill(200), 404, 200])
  socket.destroy()
})

const slowness: Readonly<Record<string, (write: (text: string) => void) => NodeJS.Timeout | null>> = {
  'sends nothing': () => null,
  'never ends its headers': (write) => {
    write(`GET /healthz HTTP/1.1\r\n${host}`)
    return setInterval(() => write('X-A: a\r\n'), 50)
  },
  'never ends its body': (write) => {
    write(`${post}Content-Length: 1000\r\n\r\n{`)
    return setInterval(() => write(' '), 50)
  },
  'never ends its chunks': (write) => {
    write(`${post}Transfer-Encoding: chunked\r\n\r\n`)
    return setInterval(() => write('1\r\n \r\n'), 50)
  },
}

for (const [name, start] of Object.entries(slowness)) {
  test(`a client that ${name} is sent away in time`, async () => {
    const { write, answer, socket } = await openSocket(service.port)
    const dripping = start((text) => socket.writable && write(text))
    const said = await answer
    clearInterval(dripping ?? undefined)
    assert.deepEqual([statuses(said), said.includes(quoted('request_too_slow'))], [[408], true])
    socket.destroy()
  })
}

test('500 connections that do nothing keep nobody from being served, and are ended', async () => {
  const idle = await Promise.all(Array.from({ length: 500 }, () => openSocket(service.port)))
  await assertAlive()
  await Promise.all(idle.map(({ answer }) => answer))
  for (const { socket } of idle) socket.destroy()
})

test('a client that closes its half is taken to be gone: what it asked for is given up', async () => {
  const { write, answer, socket } = await openSocket(service.port)
  const body = JSON.stringify({ repo: ground.repo })
  write(`${post.replace('operations/log', 'workspaces')}Content-Length: ${body.length}\r\n\r\n${body}`)
  socket.end()
  assert.equal(await answer, '')
})
