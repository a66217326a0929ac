import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { exclusively } from '../../src/directory/process-lock.ts'

const { signal } = new AbortController()
const fresh = () => `forkyard-test-${randomBytes(8).toString('hex')}`

test('in one process, too, one holds the name at a time and all get it in the end', async () => {
  const name = fresh()
  let [inside, most, done] = [0, 0, 0]
  const work = async (): Promise<void> => {
    inside += 1
    most = Math.max(most, inside)
    await new Promise((resolve) => setImmediate(resolve))
    inside -= 1
    done += 1
  }
  await Promise.all(Array.from({ length: 50 }, () => exclusively(name, work, { signal })))
  assert.deepEqual([most, done], [1, 50])
})

test('the value comes back, and a failure frees the name', async () => {
  const name = fresh()
  await assert.rejects(
    exclusively(name, () => Promise.reject(new Error('in between')), { signal }),
    /in between/,
  )
  assert.equal(await exclusively(name, async () => 7, { signal }), 7)
})

test('who gives up while waiting rejects with the reason at once and hinders nobody', async () => {
  const name = fresh()
  const release = Promise.withResolvers<void>()
  const holding = exclusively(name, () => release.promise, { signal })
  const leaving = new AbortController()
  const waiting = exclusively(name, () => assert.fail('ran'), { signal: leaving.signal })
  const reason = new Error('left')
  leaving.abort(reason)
  await assert.rejects(waiting, reason)
  await assert.rejects(
    exclusively(name, () => assert.fail('ran'), { signal: leaving.signal }),
    reason,
  )
  const next = exclusively(name, async () => 'next', { signal })
  release.resolve()
  await holding
  assert.equal(await next, 'next')
})

test('a name too long for a socket is refused, not shortened to another one', async () => {
  await assert.rejects(exclusively('x'.repeat(200), async () => {}, { signal }))
})
