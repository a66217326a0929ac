import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { makeHome } from '../support/engine-home.ts'
import { startGitServer, type GitServer } from '../support/git-server.ts'
import { programs } from '../support/programs.ts'
import { writeLongHistory } from '../support/long-history.ts'
import { makeRepository } from '../support/repository.ts'

const mebibyte = 1024 ** 2
/** Of each kind, and each of a mebibyte: more than pipes and sockets of a machine hold. */
const MANY = 16

interface Served {
  readonly child: ChildProcess
  readonly port: number
}

const home = makeHome()
const children: ChildProcess[] = []
let server: GitServer
let repo: string
/** Gives up silent readers soon. */
let hasty: Served
/** Gives them up after half a minute. */
let patient: Served

before(async () => {
  const source = await makeRepository(`${home.dir}/large.git`, { bare: true })
  await writeLongHistory(source, MANY, mebibyte)
  server = await startGitServer({ root: home.dir })
  repo = server.url('large')
  hasty = await serve({ FORKYARD_STREAM_IDLE_MS: '1000' })
  patient = await serve({})
})
after(async () => {
  for (const child of children) child.kill('SIGKILL')
  await server.close()
})

async function serve(env: Readonly<Record<string, string>>): Promise<Served> {
  const { child } = home.start(['serve', '--port=0'], env)
  children.push(child)
  assert(child.stdout)
  const [said] = (await once(child.stdout, 'data')) as [Buffer]
  return { child, port: Number(/^forkyard serves http:\S+:(\d+)\n/.exec(said.toString())?.[1]) }
}

async function post({ port }: Served, path: string, body: object): Promise<{ readonly value: unknown }> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  })
  return (await response.json()) as { value: unknown }
}

async function open(service: Served): Promise<string> {
  const { value } = await post(service, '/v1/workspaces', { repo, history: 'full' })
  return `/v1/workspaces/${(value as { id: string }).id}`
}

/** A client that asks for records and stops reading once there are some. */
async function stuck({ port }: Served, path: string, body: object): Promise<Socket> {
  const sent = JSON.stringify(body)
  const socket = connect(port, '127.0.0.1')
  socket.write(
    `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: application/x-ndjson\r\ncontent-type: application/json\r\n` +
      `connection: close\r\ncontent-length: ${Buffer.byteLength(sent)}\r\n\r\n${sent}`,
  )
  let text = ''
  // The first records come before git is there.
  while (!/"type":"(?:item|stdout)"/.test(text)) text += ((await once(socket, 'data')) as [Buffer]).toString()
  socket.pause()
  assert.match(text, /^HTTP\/1\.1 200 /)
  return socket
}

/** What came in the end, from where the client stopped reading. */
async function rest(socket: Socket): Promise<string> {
  const parts: Buffer[] = []
  socket.on('data', (part: Buffer) => parts.push(part)).resume()
  await once(socket, 'close')
  return Buffer.concat(parts).toString('latin1')
}

function memoryOf({ child: { pid } }: Served): number {
  return Number(/^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
}

const limit = MANY - 1
const asked = [
  ['exec', '/exec', { argv: ['yes', 'a word that nobody else says'] }, 'a word that nobody else says'],
  ['log', '/operations/log', { limit }, `--max-count=${limit + 1}`],
  ['diff', '/operations/diff', { from: `HEAD~${limit}`, to: 'HEAD', maxBytes: 64 * mebibyte }, '--unified=3'],
] as const

/** A client that never reads again. */
let lost: Socket

test('a client may fall silent', async () => {
  lost = await stuck(hasty, '/v1/operations/log', { repo, limit })
})

for (const [name, path, body, word] of asked)
  test(`${name} that nobody reads stands still, costs the service no memory, and is ended in time`, async () => {
    const workspace = await open(hasty)
    // What is loaded with the first of a kind is no part of what one more costs.
    if (name !== 'exec') await post(hasty, `${workspace}${path}`, { ...body, limit: 1 })
    const idle = memoryOf(hasty)
    let [most, written] = [idle, 0]
    const socket = await stuck(hasty, `${workspace}${path}`, body)
    assert.equal(programs(word).length, 1)
    for (let found = programs(word); found.length > 0; found = programs(word)) {
      written = Math.max(written, ...found.map((program) => program.written))
      most = Math.max(most, memoryOf(hasty))
      await pause(10)
    }
    assert(most - idle < 64 * mebibyte, `${((most - idle) / mebibyte).toFixed(1)} MiB more than idle`)
    assert(written < 0.75 * MANY * mebibyte, `it wrote ${written} bytes for nobody`)
    const text = await rest(socket)
    assert.doesNotMatch(text, /"type":"end"/)
    assert.match(text, /\{"type":"error","problem":\{[^\n]*"code":"reader_silent"[^\n]*\n/)
    await fetch(`http://127.0.0.1:${hasty.port}${workspace}`, { method: 'DELETE' })
  })

test('a file that nobody reads stands still, costs the service no memory, and is let go in time', async () => {
  const workspace = await open(hasty)
  const at = `http://127.0.0.1:${hasty.port}${workspace}`
  const size = 3 * MANY * mebibyte
  await fetch(`${at}/files/plenty`, { method: 'PUT', body: Buffer.alloc(size) })
  const word = Buffer.from('plenty').toString('hex')
  let [most, written] = [0, 0]
  const idle = memoryOf(hasty)
  const socket = connect(hasty.port, '127.0.0.1')
  socket.write(`GET ${workspace}/files/plenty HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n`)
  await once(socket, 'data')
  socket.pause()
  for (let found = programs(word); found.length > 0; found = programs(word)) {
    written = Math.max(written, ...found.map((program) => program.written))
    most = Math.max(most, memoryOf(hasty))
    await pause(10)
  }
  assert(written > 0, 'it was never seen')
  assert(written < 0.75 * size, `it read ${written} bytes for nobody`)
  assert(most - idle < 64 * mebibyte, `${((most - idle) / mebibyte).toFixed(1)} MiB more than idle`)
  assert((await rest(socket)).length < size, 'it was sent whole')
  await fetch(at, { method: 'DELETE' })
})

test('a client that never reads again does not keep its connection', async () => {
  const isConnected = (): boolean => connections().includes(`${hasty.port} ${lost.localPort}`)
  while (isConnected()) await pause(10)
  lost.destroy()
})

/** The ports of both ends, the own first, of what is connected on this machine. */
function connections(): readonly string[] {
  const [, ...lines] = readFileSync('/proc/net/tcp', 'utf8').trim().split('\n')
  const connected = lines.map((line) => line.trim().split(/\s+/)).filter(([, , , state]) => state === '01')
  return connected.map(([, own = '', other = '']) => `${portOf(own)} ${portOf(other)}`)
}

function portOf(address: string): number {
  return Number.parseInt(address.slice(address.indexOf(':') + 1), 16)
}

test('a stream in which nothing happens shows that it lives', async () => {
  const workspace = await open(hasty)
  const socket = await stuck(hasty, `${workspace}/exec`, { argv: ['sh', '-c', 'echo up; sleep 100'] })
  let text = ''
  while (text.split('"heartbeat"').length < 8) {
    socket.resume()
    text += ((await once(socket, 'data')) as [Buffer]).toString()
  }
  socket.destroy()
})

test('a client that goes ends its git, in a workspace and in a shared fork', async () => {
  const [, path, body, word] = asked[1]
  const sockets = [
    await stuck(patient, `${await open(patient)}${path}`, body),
    await stuck(patient, '/v1/operations/log', { repo, ...body }),
  ]
  assert.equal(programs(word).length, 2)
  for (const socket of sockets) socket.destroy()
  const goneAt = performance.now()
  while (programs(word).length > 0) await pause(10)
  assert(performance.now() - goneAt < 15_000, 'only the silence has ended it')
})

test('a stream whose service is killed is never taken for whole', async () => {
  const socket = await stuck(patient, '/v1/operations/log', { repo, limit })
  socket.on('error', () => {
    // A service that is gone resets what was under way.
  })
  patient.child.kill('SIGKILL')
  assert.doesNotMatch(await rest(socket), /"type":"(?:end|error)"|\r\n0\r\n\r\n$/)
})
