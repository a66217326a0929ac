import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '../../src/client/connect.ts'
import { errorOf } from '../../src/client/refusal.ts'
import { pauseMs } from '../../src/client/repeat.ts'
import { AppError, toProblem, type ErrorCode } from '../../src/core/errors.ts'
import { receipt } from '../support/cli.ts'
import { answers, breaksOff, refuses, scriptedService } from '../support/scripted-service.ts'

const opened = { value: { id: 'ws_1', expiresAt: '2030-01-01T00:00:00.000Z' }, receipt }
const service = await scriptedService()
const engine = connect(service.url)

test('what is repeated and when follows from the code, the service’s own words and how often it was tried', () => {
  const told = (code: ErrorCode, retryAfterMs: number | null = null): AppError =>
    errorOf(toProblem(new AppError(code, 'Cannot do it: x')), { status: 500, retryAfterMs })
  const known = { tries: 1, wasReached: true, chance: 1 }
  assert.equal(pauseMs(told('sandbox_lost'), known), 100)
  assert.equal(pauseMs(told('sandbox_lost'), { ...known, chance: 0 }), 50)
  assert.equal(pauseMs(told('sandbox_lost'), { ...known, tries: 5 }), 1600)
  assert.equal(pauseMs(told('sandbox_lost'), { ...known, tries: 6 }), null)
  assert.equal(pauseMs(told('over_capacity', 2000), known), 2100)
  assert.equal(pauseMs(told('over_capacity', 60_000), known), null)
  assert.equal(pauseMs(told('over_capacity'), known), null)
  assert.equal(pauseMs(told('remote_unreachable', 1000), known), null)
  assert.equal(pauseMs(told('ref_not_found', 1000), known), null)
  assert.equal(pauseMs(told('canceled'), known), null)
  assert.equal(pauseMs(new AppError('service_lost', 'Cannot ask: x'), known), 100)
  assert.equal(pauseMs(new AppError('service_unreachable', 'Cannot ask: x'), { ...known, wasReached: false }), null)
  assert.equal(pauseMs(new TypeError('a defect'), known), null)
})

test('a read is repeated until it is answered; the last failure is the one that is told', async () => {
  service.play(
    refuses('over_capacity', { 'retry-after': '0' }),
    breaksOff,
    refuses('sandbox_lost'),
    answers({ value: [] }),
  )
  assert.deepEqual(await engine.images(), [])
  assert.equal(service.arrived.length, 4)
  service.play(refuses('sandbox_lost'), refuses('ref_not_found'))
  await assert.rejects(engine.run('log', { repo: 'https://example.com/a' }), {
    code: 'ref_not_found',
    message: 'Cannot do it: ref_not_found',
    details: { reason: 'ref_not_found' },
  })
  assert.equal(service.arrived.length, 2)
})

test('what makes or changes something is repeated under one key of its own, by which the service knows it again', async () => {
  service.play(breaksOff, answers(opened, 201))
  const workspace = await engine.open({ repo: 'https://example.com/a' })
  const keys = service.arrived.map(({ headers }) => headers['idempotency-key'])
  assert.match(String(keys[0]), /^[0-9a-f-]{36}$/)
  assert.deepEqual(keys, [keys[0], keys[0]])
  for (const change of [
    () => workspace.fork(),
    () => workspace.extend({ ttlMs: 60_000 }),
    () => workspace.run('commit', { message: 'x' }),
    () => workspace.run('push', { branch: 'x' }),
    () => engine.warm({ repo: 'https://example.com/a' }),
  ]) {
    service.play(breaksOff, refuses('repo_empty'))
    await assert.rejects(change(), { code: 'repo_empty' })
    const [first, second] = service.arrived.map(({ headers }) => headers['idempotency-key'])
    assert(first !== undefined && first === second && first !== keys[0])
  }
  service.play(breaksOff, refuses('repo_empty'))
  await assert.rejects(workspace.run('status'), { code: 'repo_empty' })
  assert.deepEqual(
    service.arrived.map(({ headers }) => headers['idempotency-key']),
    [undefined, undefined],
  )
})

test('a program is started once, a file written and removed once, whatever comes of it', async () => {
  service.play(answers(opened, 201))
  const workspace = await engine.open({ repo: 'https://example.com/a' })
  for (const change of [
    () => workspace.exec({ argv: ['true'] }),
    () => engine.exec({ repo: 'https://example.com/a', argv: ['true'] }),
    () => workspace.files.write('a', Buffer.from('a')),
    () => workspace.files.remove('a'),
    () => engine.drop('img_1'),
  ]) {
    service.play(breaksOff)
    await assert.rejects(change(), { code: 'service_lost' })
    assert.equal(service.arrived.length, 1)
  }
})

test('closing is repeated, and well where an earlier try has done it', async () => {
  service.play(answers(opened, 201))
  const workspace = await engine.open({ repo: 'https://example.com/a' })
  service.play(breaksOff, refuses('workspace_not_found'))
  await workspace.close()
  assert.equal(service.arrived.length, 2)
})

test('a service that starts anew is waited for, one that was never there is not', async () => {
  service.play(answers({ value: [] }))
  await engine.images()
  await service.stop()
  await assert.rejects(connect(service.url).images(), { code: 'service_unreachable' })
  const asked = engine.images()
  await service.start()
  assert.deepEqual(await asked, [])
})

test('who gives up does not wait for the next try', async () => {
  service.play(refuses('over_capacity', { 'retry-after': '9' }))
  const leaving = new AbortController()
  const asked = engine.run('log', { repo: 'https://example.com/a' }, { signal: leaving.signal })
  while (service.arrived.length === 0) await new Promise((resolve) => setImmediate(resolve))
  leaving.abort()
  await assert.rejects(asked, { code: 'canceled' })
})
