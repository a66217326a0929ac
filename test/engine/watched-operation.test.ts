import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { AppError, hasCode } from '../../src/core/errors.ts'
import { answerRecords } from '../../src/engine/answer-records.ts'
import { withSecondTry } from '../../src/engine/second-try.ts'
import { watched } from '../../src/engine/watched-operation.ts'
import { defineListing, type OperationContext } from '../../src/git/operation.ts'
import type { Git } from '../../src/git/run-git.ts'
import { receipt } from '../support/cli.ts'

/** Its first attempt breaks off where objects are missing. */
function brittle() {
  let attempts = 0
  return defineListing({
    name: 'brittle',
    summary: 'Count.',
    effect: 'read',
    input: z.strictObject({}),
    output: z.strictObject({ numbers: z.array(z.int()), attempts: z.int() }),
    example: {},
    isPure: true,
    needs: () => ({ history: 1, trees: 'none', blobs: 'none', worktree: 'none', refs: 'asked' }),
    items: {
      list: 'numbers',
      async each(_git, _input, _context, give) {
        attempts += 1
        for (let number = 0; number < 5; number++) {
          if (attempts === 1 && number === 3) throw new AppError('objects_missing', 'Cannot count: 3 is missing')
          await give(number)
        }
        return { attempts }
      },
    },
    plain: String,
  })
}

test('items that were told before an attempt broke off are not told again by the next', async () => {
  const records = answerRecords({}, { silenceMs: 30_000 }, async (_options, recorder) => {
    const operation = watched(brittle(), recorder)
    const run = () => operation.run({} as Git, {}, {} as OperationContext)
    await assert.rejects(run(), (error) => hasCode(error, 'objects_missing'))
    assert.equal(recorder.itemCount, 3)
    return { value: await run(), receipt }
  })
  const items: unknown[] = []
  for await (const record of records) {
    if (record.type === 'item') items.push(record.value)
    if (record.type === 'end') assert.deepEqual(record.value, { attempts: 2 })
  }
  assert.deepEqual(items, [0, 1, 2, 3, 4])
})

test('a request of which items were told is not served again from the beginning', async () => {
  let served = 0
  const serve = async (): Promise<never> => {
    served += 1
    throw new AppError('image_not_found', 'Cannot fork it: it is gone')
  }
  await assert.rejects(
    withSecondTry(0, serve, () => false),
    { code: 'image_not_found' },
  )
  assert.equal(served, 1)
  await assert.rejects(withSecondTry(0, serve), { code: 'image_not_found' })
  assert.equal(served, 3)
})
