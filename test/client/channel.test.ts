import assert from 'node:assert/strict'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { channel } from '../../src/client/channel.ts'

const bytes = (word: string): Uint8Array => Buffer.from(word)

/** Whether it has settled by the time that all which could happen has happened. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const later = new Promise((resolve) => setImmediate(() => resolve('later')))
  return (await Promise.race([promise.then(() => 'now'), later])) === 'now'
}

test('a writer waits while its reader does, and goes on when there is room', async () => {
  const held = channel(4)
  const reader = held.chunks[Symbol.asyncIterator]()
  assert.equal(await isSettled(held.write(bytes('abcd'))), true)
  const waiting = held.write(bytes('e'))
  assert.equal(await isSettled(waiting), false)
  assert.equal(Buffer.from((await reader.next()).value ?? []).toString(), 'abcd')
  await waiting
})

test('what was written is read before the end, and before an error', async () => {
  const whole = channel(100)
  for (const word of ['a', 'b']) await whole.write(bytes(word))
  whole.end()
  assert.equal(await text(whole.chunks), 'ab')
  const broken = channel(100)
  await broken.write(bytes('a'))
  broken.fail(new Error('gone'))
  broken.end()
  const reader = broken.chunks[Symbol.asyncIterator]()
  assert.equal((await reader.next()).done, false)
  await assert.rejects(reader.next(), /gone/)
})

test('nobody waits for a reader that has left, or for one that will be told of a failure', async () => {
  const left = channel(1)
  const waiting = left.write(bytes('abc'))
  for await (const _ of left.chunks) break
  await waiting
  await left.write(bytes('more'))
  const failed = channel(1)
  const blocked = failed.write(bytes('abc'))
  failed.fail(new Error('gone'))
  await blocked
})
