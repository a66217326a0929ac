import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { after, test } from 'node:test'
import { parseSettings } from '../../src/config.ts'
import { AppError } from '../../src/core/errors.ts'
import { span } from '../../src/core/spans.ts'
import { makeHome } from '../support/engine-home.ts'

const home = makeHome()
const loaded = (): readonly string[] =>
  Object.keys(createRequire(import.meta.url).cache).filter((path) => /@prometheus-io|node_modules\/pino\//.test(path))

// Looked at before anything below loads them.
const { composeEngine } = await import('../../src/compose.ts')
await (await composeEngine(parseSettings(home.settings))).close()
const loadedByEngine = loaded()
const { metrics } = await import('../../src/metrics/metrics.ts')
const figures = {
  workspaces: 2,
  programs: 1,
  readers: 3,
  flights: 0,
  running: 0,
  waiting: 0,
  images: 4,
  imageBytes: 5000,
  poolWaiting: 2,
  poolTarget: 3,
}
const counted = { isBroken: false }
const measured = metrics({
  given: { operation: ['log', 'open'], effect: ['read'], tier: ['image', 'clone'], subcommand: ['log'] },
  figures: async () => {
    if (counted.isBroken) throw new Error('as asked')
    return figures
  },
})
after(() => measured.close())

/** The series of a metric as they are told, labels and value. */
async function series(name: string): Promise<readonly string[]> {
  const { text } = await measured.exposition()
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .map((line) => line.slice(name.length).trim())
}

test('an engine without a service loads neither metrics nor log', () => {
  assert.deepEqual(loadedByEngine, [])
  assert(loaded().length > 0)
})

test('operations are counted by what they were, what served them and how they ended', async () => {
  const answered = (repo: string) =>
    span('operation', { operation: 'log', effect: 'read' }, async (tell) => tell({ tier: 'image', repo, bytes: 7 }))
  await answered('https://example.com/a')
  await answered('https://example.com/a')
  const failing = (code: 'ref_not_found' | 'remote_failed' | 'canceled') =>
    span('operation', { operation: 'log', effect: 'read' }, async () => {
      throw new AppError(code, 'Cannot do it: as asked')
    }).catch(() => {})
  for (const code of ['ref_not_found', 'remote_failed', 'canceled'] as const) await failing(code)
  assert.deepEqual(await series('forkyard_operations_total'), [
    '{operation="log",effect="read",tier="image",outcome="ok"} 2',
    '{operation="log",effect="read",tier="none",outcome="refused"} 1',
    '{operation="log",effect="read",tier="none",outcome="failed"} 1',
    '{operation="log",effect="read",tier="none",outcome="canceled"} 1',
  ])
  assert.deepEqual(await series('forkyard_failures_total'), [
    '{work="operation",code="ref_not_found"} 1',
    '{work="operation",code="remote_failed"} 1',
    '{work="operation",code="canceled"} 1',
  ])
  assert.deepEqual(await series('forkyard_operation_duration_seconds_count'), [
    '{operation="log",tier="image"} 2',
    '{operation="log",tier="none"} 3',
  ])
  assert.deepEqual(await series('forkyard_repository_operations_total'), ['{repository="https://example.com/a"} 2'])
  assert.deepEqual(await series('forkyard_repository_fetched_bytes_total'), ['{repository="https://example.com/a"} 14'])
})

test('clones, bytes, git and other work are told apart', async () => {
  await span('build', { tier: 'clone' }, async () => {
    await span('fetch', {}, async (tell) => tell({ bytes: 1234 }))
  })
  await span('git', { subcommand: 'log' }, async () => {})
  assert.deepEqual(await series('forkyard_builds_total'), ['{tier="clone",outcome="ok"} 1'])
  assert.deepEqual(await series('forkyard_fetched_bytes_total'), ['1234'])
  assert.deepEqual(await series('forkyard_git_duration_seconds_count'), ['{subcommand="log",outcome="ok"} 1'])
  const work = await series('forkyard_work_duration_seconds_count')
  for (const name of ['build', 'fetch']) assert(work.includes(`{work="${name}",outcome="ok"} 1`), work.join())
})

test('a sandbox that was asked for was there or had to be made, and those that nobody took have waited in vain', async () => {
  for (const isWarm of [true, false, true]) await span('take', {}, async (tell) => tell({ isWarm }))
  for (const idleMs of [1500, 500]) await span('discard', { idleMs }, async () => {})
  assert.deepEqual(await series('forkyard_pool_takes_total'), ['{found="hit"} 2', '{found="miss"} 1'])
  assert.deepEqual(await series('forkyard_pool_wasted_seconds_total'), ['2'])
})

test('what nobody declared makes no series: it is "other"', async () => {
  const name = 'deadbeef'.repeat(5)
  await span('operation', { operation: name, effect: name }, async (tell) => tell({ tier: name }))
  await span('git', { subcommand: name }, async () => {})
  for (let at = 0; at < 100; at += 1)
    await span('operation', { operation: 'open' }, async (tell) => tell({ repo: `https://example.com/${at}` }))
  const { text } = await measured.exposition()
  assert(!text.includes(name))
  const repositories = await series('forkyard_repository_operations_total')
  assert.equal(repositories.length, 21)
  assert(repositories.includes('{repository="other"} 81'), repositories.join())
})

test('figures are looked up when somebody asks; where that fails the rest is told all the same', async () => {
  assert.deepEqual(await series('forkyard_workspaces'), ['2'])
  assert.deepEqual(await series('forkyard_image_bytes'), ['5000'])
  counted.isBroken = true
  assert.deepEqual(await series('forkyard_operations_total').then(({ length }) => length > 0), true)
  assert(Number((await series('forkyard_unrecorded_total'))[0]) > 0)
  assert.equal((await series('process_resident_memory_bytes')).length, 1)
  assert.equal((await series('nodejs_eventloop_lag_p99_seconds')).length, 1)
})
