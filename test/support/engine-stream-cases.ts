import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AnswerRecord, AnswerRecords } from '../../src/engine/contract.ts'
import type { EngineCases } from './engine-cases.ts'

/** Answers as records. */
export function streamCases({ ground, engine, open }: EngineCases): void {
  test('records tell one by one what the answer says in one piece', async () => {
    const input = { repo: ground.repo, limit: 10 }
    const whole = (await engine().run('log', input)).value as { commits: readonly unknown[]; truncated: boolean }
    const records = await gathered(engine().stream('log', input))
    const items = records.flatMap((record) => (record.type === 'item' ? [record.value] : []))
    assert.deepEqual(items, whole.commits)
    const [first, last] = [records[0], records.at(-1)]
    assert(first?.type === 'start' && last?.type === 'end')
    assert.deepEqual([last.value, last.receipt.repo], [{ truncated: whole.truncated }, first.receipt?.repo])
  })

  test('what cannot begin fails with the first record, with its code', async () => {
    await assert.rejects(engine().stream('nothing', { repo: ground.repo }).next(), { code: 'operation_unknown' })
    await assert.rejects(engine().stream('log', { repo: ground.repo, limit: -1 }).next(), { code: 'input_invalid' })
    await assert.rejects(engine().stream('log', { repo: ground.repo, ref: 'none' }).next(), { code: 'ref_not_found' })
  })

  test('a workspace answers in records too, and who leaves in the middle can go on with it', async () => {
    const workspace = await open()
    const left = workspace.stream('log', { limit: 10 })
    assert.equal((await left.next()).value?.type, 'start')
    await left.return?.()
    assert.equal((await left.next()).done, true)
    await workspace.run('write-file', { path: 'new.txt', content: 'new\n' })
    const last = (await gathered(workspace.stream('add', {}))).at(-1)
    assert(last?.type === 'end')
    assert.equal(last.receipt.tier, 'workspace')
    await workspace.close()
    await assert.rejects(workspace.stream('log').next(), { code: 'workspace_not_found' })
  })
}

async function gathered(records: AnswerRecords): Promise<readonly AnswerRecord[]> {
  const all: AnswerRecord[] = []
  for await (const record of records) all.push(record)
  return all
}
