import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import fc from 'fast-check'
import { sendChunks } from '../../../src/git/remote/send-chunks.ts'

/** Takes nothing until it is told to. */
function reluctant() {
  const taken: Buffer[] = []
  const waiting: (() => void)[] = []
  let isEnded = false
  const stream = new Writable({
    highWaterMark: 1,
    write(chunk: Buffer, _, done) {
      taken.push(chunk)
      waiting.push(done)
    },
    final(done) {
      isEnded = true
      done()
    },
  })
  return { stream, taken, next: () => waiting.shift()?.(), isEnded: () => isEnded }
}

const pace = { onWait: () => {}, onTaken: () => {} }

async function turn(): Promise<void> {
  await new Promise(setImmediate)
}

test('everything arrives in order, empty chunks and all, and then the end', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 5 })), async (chunks) => {
      const to = reluctant()
      const sending = sendChunks(to.stream, from(chunks), pace)
      while (!to.isEnded()) {
        to.next()
        await turn()
      }
      await sending
      assert.deepEqual(Buffer.concat(to.taken), Buffer.concat(chunks))
    }),
    { numRuns: 30 },
  )
})

test('nothing is read ahead of what is taken but one chunk, and waiting is told', async () => {
  const to = reluctant()
  const told: string[] = []
  let read = 0
  async function* counted() {
    for (;;) {
      read += 1
      yield Buffer.from([read])
    }
  }
  const sending = sendChunks(to.stream, counted(), {
    onWait: () => told.push('wait'),
    onTaken: () => told.push('taken'),
  })
  await turn()
  assert.deepEqual([read, told], [2, ['wait']])
  to.next()
  await turn()
  assert.deepEqual([read, told], [3, ['wait', 'taken', 'wait']])
  to.stream.destroy()
  await sending
  assert.deepEqual([read, to.isEnded()], [3, false])
})

test('of a source that fails the last chunk is never sent, nor the end', async () => {
  const to = reluctant()
  async function* failing() {
    yield Buffer.from('a')
    yield Buffer.from('b')
    throw new Error('it broke')
  }
  const sending = assert.rejects(sendChunks(to.stream, failing(), pace), /it broke/)
  await turn()
  to.next()
  await sending
  assert.deepEqual([Buffer.concat(to.taken).toString(), to.isEnded()], ['a', false])
})

async function* from(chunks: readonly Uint8Array[]) {
  yield* chunks
}
