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
import { makeRepository } from '../support/repository.ts'

const mebibyte = 1024 ** 2
/** More than pipes and sockets of a machine hold. */
const MANY = 40

const home = makeHome()
let server: GitServer
let child: ChildProcess
let port: number
let repo: string
let workspace: string

before(async () => {
  const source = await makeRepository(`${home.dir}/large.git`, { bare: true })
  await source.commit({ message: 'Nothing yet' })
  const text = `${'many words on one line, '.repeat(20)}\n`
  for (let count = 0; count < MANY; count++)
    await source.commit({
      message: `${count}\n\n${text.repeat(mebibyte / text.length)}`,
      files: { [`${count}.txt`]: text.repeat(mebibyte / text.length) },
    })
  server = await startGitServer({ root: home.dir })
  repo = server.url('large')
  const started = home.start(['serve', '--port=0'], { FORKYARD_STREAM_IDLE_MS: '4000' })
  child = started.child
  assert(child.stdout)
  const [said] = (await once(child.stdout, 'data')) as [Buffer]
  port = Number(/^forkyard serves http:\S+:(\d+)\n/.exec(said.toString())?.[1])
  workspace = ((await (await post('/v1/workspaces', { repo, history: 'full' })).json()) as { value: { id: string } })
    .value.id
})
after(async () => {
  child.kill('SIGKILL')
  await server.close()
})

const headers = { 'content-type': 'application/json' }

function post(path: string, body: object): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
}

/** A client that asks for records and stops reading once there are some. */
async function stuck(path: string, body: object): Promise<Socket> {
  const text = JSON.stringify(body)
  const socket = connect(port, '127.0.0.1')
  socket.write(
    `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: application/x-ndjson\r\ncontent-type: application/json\r\n` +
      `connection: close\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  )
  const [head] = (await once(socket, 'data')) as [Buffer]
  socket.pause()
  assert.match(head.toString('latin1'), /^HTTP\/1\.1 200 /)
  return socket
}

/** What came in the end, from where the client stopped reading. */
async function rest(socket: Socket): Promise<string> {
  const parts: Buffer[] = []
  socket.on('data', (part: Buffer) => parts.push(part)).resume()
  await once(socket, 'close')
  return Buffer.concat(parts).toString('latin1')
}

const memory = (): number =>
  Number(/^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) * 1024

const limit = MANY - 1
const asked = [
  ['yes', '/exec', { argv: ['yes', 'a word that nobody else says'] }, 'a word that nobody else says'],
  ['log', '/operations/log', { limit }, `--max-count=${limit + 1}`],
  ['grep', '/operations/grep', { pattern: 'words on', limit: 100_000, maxBytes: 64 * mebibyte }, '-ewords on'],
  ['diff', '/operations/diff', { from: `HEAD~${limit}`, to: 'HEAD', maxBytes: 64 * mebibyte }, '--unified=3'],
] as const

test('what nobody reads comes to stand still, costs the service no memory, and is ended in time', async () => {
  // What is loaded with the first of a kind is no part of the cost of one more.
  for (const [name, path, body] of asked)
    if (name !== 'yes')
      await (await post(`/v1/workspaces/${workspace}${path}`, { ...body, maxBytes: undefined })).text()
  const idle = memory()
  let most = idle
  const written = new Map<string, number>()
  const sockets = await Promise.all(asked.map(([, path, body]) => stuck(`/v1/workspaces/${workspace}${path}`, body)))
  for (const [name, , , word] of asked) assert.equal(programs(word).length, 1, `${name} has ended already`)
  for (let left: number = asked.length; left > 0;) {
    left = 0
    for (const [name, , , word] of asked)
      for (const program of programs(word)) {
        left += 1
        written.set(name, program.written)
      }
    most = Math.max(most, memory())
    await pause(20)
  }
  assert(most - idle < 64 * mebibyte, `${((most - idle) / mebibyte).toFixed(1)} MiB more than idle`)
  for (const [name] of asked)
    assert((written.get(name) ?? Infinity) < (MANY * mebibyte) / 2, `${name} wrote ${written.get(name)}`)
  console.log(written, (most - idle) / mebibyte, idle / mebibyte)
  for (const [index, socket] of sockets.entries()) {
    const text = await rest(socket)
    assert.doesNotMatch(text, /"type":"end"/)
    assert.match(text, /\{"type":"error","problem":\{[^\n]*"code":"reader_silent"[^\n]*\n/, asked[index]?.[0])
  }
  const { value } = (await (await fetch(`http://127.0.0.1:${port}/v1/workspaces/${workspace}`)).json()) as {
    value: { programs: number }
  }
  assert.equal(value.programs, 0)
})

test('a client that goes ends its git', async () => {
  const [, path, body, word] = asked[1]
  const sockets = [
    await stuck(`/v1/workspaces/${workspace}${path}`, body),
    await stuck('/v1/operations/log', { repo, ...body }),
  ]
  assert.equal(programs(word).length, 2)
  for (const socket of sockets) socket.destroy()
  const goneAt = performance.now()
  while (programs(word).length > 0) await pause(20)
  assert(performance.now() - goneAt < 3000, 'it was the silence that ended it')
})

test('a stream whose service is killed is never taken for whole', async () => {
  const [, path, body] = asked[1]
  const socket = await stuck(`/v1/workspaces/${workspace}${path}`, body)
  socket.on('error', () => {
    // A service that is gone resets what was under way.
  })
  child.kill('SIGKILL')
  const text = await rest(socket)
  assert.doesNotMatch(text, /"type":"(?:end|error)"|\r\n0\r\n\r\n$/)
})
