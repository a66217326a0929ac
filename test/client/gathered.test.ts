import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gathered } from '../../src/client/gathered.ts'
import type { ServiceRecord } from '../../src/client/service-records.ts'
import type { Progress } from '../../src/core/progress.ts'
import { receipt } from '../support/cli.ts'

async function* streamed(...records: readonly ServiceRecord[]): AsyncGenerator<ServiceRecord> {
  yield { type: 'start' }
  yield* records
}
const item = (value: string): ServiceRecord => ({ type: 'item', value })
const onProgress = (): void => {}

test('items go into the field that lists them, and progress to who asked for it', async () => {
  const progress: Progress = { phase: 'Receiving objects', done: 1, total: null }
  const seen: Progress[] = []
  const records = streamed({ type: 'progress', progress }, item('a'), item('b'), {
    type: 'end',
    value: { truncated: true },
    receipt,
  })
  const answer = await gathered(records, { list: 'commits', onProgress: (each) => void seen.push(each) })
  assert.deepEqual([answer, seen], [{ value: { commits: ['a', 'b'], truncated: true }, receipt }, [progress]])
})

test('an answer that came whole stays what it is', async () => {
  const end: ServiceRecord = { type: 'end', value: { commits: ['a'], truncated: false }, receipt }
  for (const list of ['commits', null])
    assert.deepEqual(await gathered(streamed(end), { list, onProgress }), { value: end['value'], receipt })
})

test('items that nobody has a list for are not lost without a word', async () => {
  const records = streamed(item('a'), { type: 'end', value: null, receipt })
  await assert.rejects(gathered(records, { list: null, onProgress }), { code: 'service_failed' })
})
