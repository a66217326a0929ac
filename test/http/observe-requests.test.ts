import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { systemClock } from '../../src/core/clock.ts'
import { parseSettings } from '../../src/config.ts'
import { AppError } from '../../src/core/errors.ts'
import { requests } from '../../src/engine/request.ts'
import type { Door } from '../../src/http/door.ts'
import { hookSecrets } from '../../src/http/hook-secrets.ts'
import { serviceLog } from '../../src/http/log.ts'
import { httpService } from '../../src/http/service.ts'
import { repetitions } from '../../src/http/repetitions.ts'
import { figures, type Figures } from '../../src/metrics/definitions.ts'
import { metrics as startMetrics } from '../../src/metrics/metrics.ts'
import { fakeEngine } from '../support/cli.ts'

/** What the engine throws next. */
let thrown: unknown
const { engine } = fakeEngine({
  images: async () => {
    throw thrown
  },
})
const lines: string[] = []
const nothing = Object.fromEntries(figures.map((figure) => [figure, 0])) as Figures
const metrics = startMetrics({
  given: { operation: [], effect: [], tier: [], subcommand: [] },
  figures: async () => nothing,
})
const life = { isDraining: false }
let door: Door
let url: string

before(async () => {
  door = await httpService({
    engine: { ...engine, pushed: async () => {} },
    schemas: requests(parseSettings({ stateDir: '/nowhere' })).schemas,
    version: '0.0.0',
    arrivalMs: 10_000,
    metrics,
    recent: { list: () => [], close() {} },
    log: serviceLog({ level: 'info', to: { write: (line: string) => lines.push(line) > 0 } }),
    health: async () => ({ checks: [], able: true }),
    keys: null,
    hooks: await hookSecrets(null, systemClock),
    sending: { repetitions: repetitions(), silenceMs: 1000 },
    life,
  })
  url = await door.listen({ host: '127.0.0.1', port: 0 })
})
after(async () => {
  await door.close()
  metrics.close()
})

/** The answer, and the line it left. */
async function failing(error: unknown) {
  thrown = error
  const response = await fetch(`${url}/v1/images`)
  const id = response.headers.get('x-correlation-id') ?? ''
  const answer = await response.text()
  while (!lines.some((each) => each.includes(id))) await new Promise((resolve) => setImmediate(resolve))
  return { status: response.status, answer, line: lines.find((each) => each.includes(id)) ?? '' }
}

test('a defect is told to the log with where it happened and why, without secrets, and to the caller not at all', async () => {
  const cause = new Error('unable to reach https://robot:hunter2@host/x')
  const { status, answer, line } = await failing(new TypeError('Bearer hunter2hunter2 is odd', { cause }))
  assert.equal(status, 500)
  assert.doesNotMatch(answer, /odd|observe-requests/)
  const { level, err } = JSON.parse(line) as { level: string; err: { type: string; stack: string } }
  assert.deepEqual([level, err.type], ['error', 'TypeError'])
  assert.match(err.stack, /is odd\n.*observe-requests\.test\.ts/)
  assert.match(line, /unable to reach/)
  assert.doesNotMatch(line, /hunter2/)
})

test('what the caller did wrong, and what the host lacks, is one short line with its code', async () => {
  for (const [error, status, code] of [
    [new AppError('image_not_found', 'Cannot list images: as asked'), 404, 'image_not_found'],
    [Object.assign(new Error('write failed'), { code: 'ENOSPC' }), 503, 'over_capacity'],
    [Object.assign(new Error('open failed'), { code: 'EMFILE' }), 503, 'over_capacity'],
  ] as const) {
    const failed = await failing(error)
    assert.equal(failed.status, status)
    const line = JSON.parse(failed.line) as Record<string, unknown>
    assert.deepEqual([line['code'], line['level'], 'err' in line], [code, status < 500 ? 'info' : 'error', false])
  }
})

test('a service that is about to end is not ready, says why, and takes nothing new', async () => {
  life.isDraining = true
  const response = await fetch(`${url}/readyz`)
  const refused = await fetch(`${url}/v1/workspaces`)
  life.isDraining = false
  assert.deepEqual([refused.status, refused.headers.get('retry-after')], [503, '1'])
  assert.equal(((await refused.json()) as { code: string }).code, 'service_draining')
  assert.equal(response.status, 503)
  assert.match(await response.text(), /about to end/)
  assert.equal((await fetch(`${url}/readyz`)).status, 200)
})
