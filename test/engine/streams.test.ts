import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { AnswerRecord, AnswerRecords, Engine, Receipt, Workspace } from '../../src/engine/contract.ts'
import { findOperation } from '../../src/git/registry.ts'
import { makeHome } from '../support/engine-home.ts'
import { startGitServer, type GitServer } from '../support/git-server.ts'
import { leftovers } from '../support/leftovers.ts'
import { writeLongHistory } from '../support/long-history.ts'
import { makeRepository } from '../support/repository.ts'
import { makeRichRepository } from '../support/rich-repository.ts'
import { programs } from '../support/programs.ts'

const home = makeHome()
let server: GitServer
let engine: Engine
let repo: string
let long: string
let workspace: Workspace

before(async () => {
  await makeRichRepository(`${home.dir}/rich.git`, { bare: true })
  const source = await makeRepository(`${home.dir}/long.git`, { bare: true })
  // Far more than pipes and readers hold: git cannot end before somebody reads on.
  await writeLongHistory(source, 12, 200_000)
  server = await startGitServer({ root: home.dir })
  repo = server.url('rich')
  long = server.url('long')
  engine = await home.open()
  workspace = await engine.open({ repo, cone: ['lib'], history: 'tip' })
})
after(() => server.close())

interface Gathered {
  readonly types: readonly string[]
  readonly known: Partial<Receipt> | undefined
  readonly items: readonly unknown[]
  readonly value: unknown
  readonly receipt: Receipt
}

async function gather(records: AnswerRecords): Promise<Gathered> {
  const all = await gatherRest(records)
  const [first, last] = [all.at(0), all.at(-1)]
  assert(first?.type === 'start' && last?.type === 'end')
  const items = all.flatMap((record) => (record.type === 'item' ? [record.value] : []))
  const types = all.map(({ type }) => type)
  return { types, known: first.receipt, items, value: last.value, receipt: last.receipt }
}

async function gatherRest(records: AnswerRecords): Promise<readonly AnswerRecord[]> {
  const all: AnswerRecord[] = []
  for await (const record of records) all.push(record)
  return all
}

/** Reads on until an item has come; resolves with the starts before it. */
async function readToItem(records: AnswerRecords): Promise<number> {
  let starts = 0
  for (let { value } = await records.next(); value?.type !== 'item'; { value } = await records.next()) {
    if (value === undefined) assert.fail('it ended without an item')
    if (value.type === 'start') starts += 1
  }
  return starts
}

/** The value that the records were made of. */
function whole(name: string, { items, value }: Gathered): unknown {
  const listing = findOperation(name).items
  if (listing === undefined) assert.deepEqual(items, [])
  return listing === undefined ? value : { [listing.list]: items, ...(value as object) }
}

const asked = [
  ['log', { revision: 'main~1', files: true }],
  ['diff', { from: 'main~3', to: 'main', copies: true }],
  ['grep', { pattern: 'line 3|odd', contextLines: 1 }],
  ['status', {}],
] as const

for (const [place, take] of [
  ['a repository', (): Pick<Engine, 'run' | 'stream'> => engine],
  ['a workspace', (): Pick<Engine, 'run' | 'stream'> => workspace],
] as const)
  test(`every read of ${place} has the same answer in records as in one piece`, async () => {
    const where = place === 'a repository' ? { repo } : {}
    for (const [name, input] of asked) {
      const inputs = { ...where, ...input }
      // First in records, so that what is missing is brought while they are made.
      const streamed = await gather(take().stream(name, inputs))
      const { value } = await take().run(name, inputs)
      assert.deepEqual(whole(name, streamed), value, `${name} ${JSON.stringify(input)}`)
      const { repo: told, commit, correlationId } = streamed.receipt
      assert.deepEqual([streamed.known?.repo, streamed.known?.commit], [told, commit])
      assert.equal(streamed.known?.correlationId, correlationId)
    }
  })

test('limits hold and are told, and a known result is told from what is known', async () => {
  const input = { repo, revision: 'main', limit: 2 }
  const fresh = await gather(engine.stream('log', input))
  assert.deepEqual([fresh.items.length, fresh.value, fresh.receipt.tier === 'result'], [2, { truncated: true }, false])
  // Nobody kept what was streamed.
  assert.notEqual((await engine.run('log', input)).receipt.tier, 'result')
  const known = await gather(engine.stream('log', input))
  assert.deepEqual([known.receipt.tier, known.items, known.value], ['result', fresh.items, fresh.value])
})

test('the first commit is there while git cannot have ended, and a reader who leaves ends git', async () => {
  const records = engine.stream('log', { repo: long, limit: 11 })
  assert.deepEqual(programs('--max-count=12'), [])
  assert.equal(await readToItem(records), 1)
  assert.equal(programs('--max-count=12').length, 1)
  await records.return?.()
  assert.deepEqual(programs('--max-count=12'), [])
})

test('each reader has a git of his own, and one who gives up by signal ends only his', async () => {
  const giving = new AbortController()
  const input = { repo: long, limit: 10 }
  const one = engine.stream('log', input, { signal: giving.signal })
  const other = engine.stream('log', input)
  for (const records of [one, other]) await readToItem(records)
  assert.equal(programs('--max-count=11').length, 2)
  giving.abort()
  await assert.rejects(gather(one), { code: 'canceled' })
  assert.equal(programs('--max-count=11').length, 1)
  assert.equal((await gatherRest(other)).at(-1)?.type, 'end')
})

test('a reader who falls silent is given up, in a workspace as well, and nothing of it is left', async () => {
  const hasty = await home.open({ streamIdleMs: 1000 })
  const far = await hasty.open({ repo: long, history: 'full' })
  const silent = [hasty.stream('log', { repo: long, limit: 9 }), far.stream('log', { limit: 9 })]
  for (const records of silent) await readToItem(records)
  while (programs('--max-count=10').length > 0) await new Promise((resolve) => setImmediate(resolve))
  for (const records of silent) await assert.rejects(records.next(), { code: 'reader_silent' })
  // A lock of a reader that never went would hold this up.
  await far.run('write-file', { path: 'a', content: 'a' })
  await far.close()
})

test('what is wrong at once is thrown in place of the first record', async () => {
  await assert.rejects(engine.stream('log', { repo, more: 1 }).next(), { code: 'input_invalid' })
  await assert.rejects(engine.stream('none', { repo }).next(), { code: 'operation_unknown' })
  await assert.rejects(engine.stream('log', { repo, revision: 'nowhere' }).next(), { code: 'ref_not_found' })
  await assert.rejects(workspace.stream('log', { revision: 'nowhere' }).next(), { code: 'commit_not_found' })
  const closed = await engine.open({ repo })
  await closed.close()
  await assert.rejects(closed.stream('status').next(), { code: 'workspace_not_found' })
})

test('what changes or fetches something has a start and an end, with progress between', async () => {
  const copy = await engine.open({ repo })
  const written = await gather(copy.stream('write-file', { path: 'new', content: 'new\n' }))
  assert.deepEqual([written.types, written.known?.tier], [['start', 'end'], 'workspace'])
  await copy.close()
  const newcomer = await makeRepository(`${home.dir}/newcomer.git`, { bare: true })
  await newcomer.commit({ files: { a: 'a\n' } })
  const { types } = await gather(engine.stream('fetch', { repo: server.url('newcomer') }))
  assert.deepEqual([types.at(0), types.at(-1)], ['start', 'end'])
})

test('nothing is left of all that', async () => {
  await workspace.close()
  assert.deepEqual(leftovers(home), [])
})
