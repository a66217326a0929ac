import assert from 'node:assert/strict'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { connect } from '../../src/client/connect.ts'
import { newCorrelationId, withCorrelation } from '../../src/core/correlation.ts'
import type { Progress } from '../../src/core/progress.ts'
import { receipt } from '../support/cli.ts'
import { answers, scriptedService, staysSilent, streams } from '../support/scripted-service.ts'

const opened = { value: { id: 'ws_1', expiresAt: '2030-01-01T00:00:00.000Z' }, receipt }
const line = (record: object): string => `${JSON.stringify(record)}\n`
const start = line({ type: 'start' })
const end = line({ type: 'end', value: { exitCode: 3, signal: null }, receipt })

const service = await scriptedService()
const engine = connect(service.url)
service.play(answers(opened, 201))
const workspace = await engine.open({ repo: 'https://example.com/a' })

test('records are read however they are cut, and heartbeats are nobody’s business', async () => {
  const bytes = Buffer.from(start + line({ type: 'heartbeat' }) + line({ type: 'stdout', data: 'grün' }) + end)
  service.play(streams([...bytes].map((byte) => Uint8Array.of(byte))))
  const { running, receipt: ending } = await workspace.exec({ argv: ['true'] })
  assert.equal(await text(running.stdout), 'grün')
  assert.deepEqual([await running.exit, await ending], [{ code: 3, signal: null }, receipt])
})

test('output that breaks off never looks complete, whether the connection does or the service ends it', async () => {
  for (const isBroken of [true, false]) {
    service.play(streams([start, line({ type: 'stdout', data: 'some' })], { isBroken }))
    const { running, receipt: ending } = await workspace.exec({ argv: ['true'] })
    const read: string[] = []
    const reading = (async () => {
      for await (const chunk of running.stdout) read.push(Buffer.from(chunk).toString())
    })()
    await assert.rejects(reading, { code: 'service_lost' })
    assert.deepEqual(read, ['some'])
    for (const promise of [running.exit, ending]) await assert.rejects(promise, { code: 'service_lost' })
  }
  service.play(streams([start.slice(0, -1)]))
  await assert.rejects(workspace.exec({ argv: ['true'] }), { code: 'service_lost' })
})

test('what is no record, no problem of ours or no JSON is said to be not understood', async () => {
  service.play(streams([start, 'what\n']))
  await assert.rejects((await workspace.exec({ argv: ['true'] })).running.exit, { code: 'service_failed' })
  service.play((response) => response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad gateway</h1>'))
  await assert.rejects(engine.images(), {
    code: 'service_failed',
    message: 'Cannot use the service: its answer is not understood (status 502)',
  })
  service.play((response) => response.end('hello'))
  await assert.rejects(engine.images(), { code: 'service_failed', details: { status: 200 } })
  service.play(answers({ code: 'from_the_future', title: 'Cannot travel: no time' }, 409))
  await assert.rejects(engine.images(), {
    code: 'service_failed',
    message: 'Cannot use the service: Cannot travel: no time',
    details: { status: 409, code: 'from_the_future' },
  })
  service.play(answers({ code: 'constructor', title: 'x' }, 409))
  await assert.rejects(engine.images(), { code: 'service_failed' })
  service.play((response) => response.socket?.end('SSH-2.0-OpenSSH_9\r\n'))
  await assert.rejects(engine.images(), { code: 'service_failed' })
})

test('a key goes along with every request, its caller’s id too, and the key into no error', async () => {
  const key = 'fk_secret-of-the-day'
  service.play(answers({ value: [] }))
  const id = newCorrelationId()
  await withCorrelation(id, () => connect(`${service.url}/behind/a/proxy/`, { key }).images())
  const [arrived] = service.arrived
  assert.deepEqual([arrived?.path, arrived?.headers.authorization], ['/behind/a/proxy/v1/images', `Bearer ${key}`])
  assert.match(String(arrived?.headers['traceparent']), new RegExp(`^00-${id}-[0-9a-f]{16}-01$`))
  assert.throws(() => connect(service.url, { key: `${key}\n` }), {
    code: 'input_invalid',
    message: 'Cannot connect: the key is empty or holds characters that no header may',
  })
})

test('an address that is none is refused before anything is asked', () => {
  for (const url of ['', 'localhost:7070', 'file:///srv', 'http://a:b@localhost', 'http://localhost/?a', 'http://l/#a'])
    assert.throws(() => connect(url), { code: 'url_invalid' }, url)
})

test('progress is passed on where the service tells it', async () => {
  const progress: Progress = { phase: 'Receiving objects', done: 1, total: 2 }
  const value = { commits: [], truncated: false }
  service.play(streams([start, line({ type: 'progress', progress }), line({ type: 'end', value, receipt })]))
  const seen: Progress[] = []
  const input = { repo: 'https://example.com/a' }
  const answer = await engine.run('log', input, { onProgress: (each) => void seen.push(each) })
  assert.deepEqual([answer, seen], [{ value, receipt }, [progress]])
  assert.match(String(service.arrived[0]?.headers.accept), /x-ndjson/)
})

test('closing the client breaks off what is under way, and nothing is asked any more', async () => {
  const closing = connect(service.url)
  service.play(staysSilent)
  const asked = closing.images()
  while (service.arrived.length === 0) await new Promise((resolve) => setImmediate(resolve))
  await closing.close()
  await assert.rejects(asked, { code: 'canceled' })
  await assert.rejects(closing.images(), { code: 'canceled' })
  assert.equal(service.arrived.length, 1)
})

test('a program can only be ended, by whatever signal', async () => {
  service.play((response) => response.writeHead(200, { 'content-type': 'application/x-ndjson' }).write(start))
  const { running, receipt: ending } = await workspace.exec({ argv: ['sleep', '100'] })
  running.signal('SIGTERM')
  for (const settled of [() => running.exit, () => ending, () => text(running.stdout)])
    await assert.rejects(settled, { code: 'canceled', message: 'Cannot go on: the program was ended by SIGTERM' })
})

test('a program’s input has a bound, because it travels in one piece', async () => {
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) yield Buffer.alloc(1_000_000)
  }
  service.play(staysSilent)
  await assert.rejects(workspace.exec({ argv: ['cat'] }, { stdin: endless() }), { code: 'body_too_large' })
  assert.equal(service.arrived.length, 0)
})
