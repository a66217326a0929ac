import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError } from '../../src/core/errors.ts'
import { withCorrelation } from '../../src/core/correlation.ts'
import { serviceLog } from '../../src/http/log.ts'

function logTo(lines: string[], level = 'info') {
  return serviceLog({ level, to: { write: (line: string) => lines.push(line) > 0 } })
}

/** Never part of a line; each in a place of its own, so that a failure says which. */
const secret = (place: string): string => `hunter2-${place.replaceAll(' ', '-')}-0123456789`
const basic = (place: string): string => Buffer.from(`robot:${secret(place)}`).toString('base64')

test('whatever is logged, no secret reaches the output', () => {
  const lines: string[] = []
  const log = logTo(lines)
  const cause = new Error(`fatal: unable to access 'https://robot:${secret('cause')}@host/a'`, {
    cause: new AppError('git_failed', `Authorization: Basic ${basic('cause of the cause')}`, {
      details: { stderr: `remote: token=${secret('details')}`, env: { GIT_TOKEN: secret('environment') } },
    }),
  })
  log.info({ headers: { authorization: `Bearer ${secret('header')}`, COOKIE: [secret('list')] } }, 'asked')
  log.info({ 'git-authorization': `Basic ${basic('git')}`, rawHeaders: ['Authorization', secret('raw')] }, 'asked')
  log.info({
    url: `/v1/images?key=${secret('query')}&x=${secret('second')}`,
    a: [{ b: { c: { password: secret('deep') } } }],
  })
  log.error({ err: new Error(`https://${secret('user')}@host`, { cause }) }, 'failed')
  log.error(new Error(`{"authorization":"${secret('json in text')}"}`))
  log.warn(`with Bearer ${secret('message')} and glpat-${secret('pattern')}`)
  log.child({ apiKey: secret('child') }).info('bound')
  log.info({ [`https://a:${secret('name')}@host`]: 1 })
  const output = lines.join('')
  assert.equal(lines.length, 8)
  assert.doesNotMatch(output, /hunter2|cm9ib3Q6/)
  // What is not secret is still told.
  assert.match(output, /unable to access/)
  assert.match(output, /\/v1\/images\?key=\[hidden\]/)
})

test('an event is one line of JSON, whatever signs are in it', () => {
  const lines: string[] = []
  const hostile = 'a\nb\r\u001b[2J\u202e\u2028\u0085c'
  withCorrelation('c1', () => logTo(lines).info({ branch: hostile }, hostile))
  const [line = '', ...more] = lines
  assert.deepEqual(more, [])
  assert.match(line, /^[\x20-\x7e]+\n$/)
  const { time, ...rest } = JSON.parse(line) as Record<string, unknown>
  assert(Date.parse(String(time)) > 0)
  assert.deepEqual(rest, { level: 'info', correlationId: 'c1', branch: hostile, msg: hostile })
})

test('what is below the level is not written', () => {
  const lines: string[] = []
  logTo(lines, 'error').info('nothing')
  logTo(lines, 'silent').error('nothing')
  assert.deepEqual(lines, [])
})
