import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { ByteReader } from '../../src/git/byte-reader.ts'

async function* cut(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0
  for (const size of sizes) {
    yield bytes.subarray(at, at + size)
    at += size
  }
  yield bytes.subarray(at)
}

test('records come out the same however the bytes are cut', async () => {
  const record = fc.uint8Array({ min: 1, maxLength: 12 }).map((array) => Buffer.from(array))
  await fc.assert(
    fc.asyncProperty(fc.array(record), fc.array(fc.nat(7)), async (records, sizes) => {
      const bytes = Buffer.concat(records.flatMap((each) => [each, Buffer.of(0)]))
      const reader = new ByteReader(cut(bytes, sizes))
      const found: Buffer[] = []
      for (let next = await reader.until(0); next !== null; next = await reader.until(0)) found.push(Buffer.from(next))
      assert.deepEqual(found, records)
    }),
  )
})

test('peek, skip and take go on where the last record ended', async () => {
  const reader = new ByteReader(cut(Buffer.from('ab\0cdefgh'), [1, 3, 1]))
  assert.equal((await reader.until(0))?.toString(), 'ab')
  assert.equal(await reader.peek(), 'c'.charCodeAt(0))
  await reader.skip(2)
  assert.equal((await reader.take(3)).toString(), 'efg')
  assert.equal((await reader.take(9)).toString(), 'h')
  assert.equal(await reader.peek(), null)
  assert.equal(await reader.until(0), null)
})

test('the rest comes as it arrives, from where the last record ended', async () => {
  const reader = new ByteReader(cut(Buffer.from('ab\0cdefgh'), [1, 4, 1]))
  assert.equal((await reader.until(0))?.toString(), 'ab')
  const parts: string[] = []
  for await (const part of reader.rest()) parts.push(part.toString())
  assert.deepEqual(parts, ['cd', 'e', 'fgh'])
  assert.equal(await reader.peek(), null)
})

test('a last record that is cut off is an error, not a record', async () => {
  const reader = new ByteReader(cut(Buffer.from('whole\0cut'), []))
  await reader.until(0)
  await assert.rejects(reader.until(0), /mid-record/)
})

// Were a record copied anew for each chunk of it, the last of these would take an hour.
for (const size of [65_536, 4096, 512])
  test(`a record of 32 MB in chunks of ${size} bytes is read whole, and so is what follows`, async () => {
    const record = Buffer.alloc(32 * 1024 * 1024, 'forkyard')
    const bytes = Buffer.concat([record, Buffer.from('\0next\0')])
    const sizes = Array.from({ length: Math.floor(bytes.length / size) }, () => size)
    const reader = new ByteReader(cut(bytes, sizes))
    assert((await reader.until(0))?.equals(record))
    assert.equal((await reader.until(0))?.toString(), 'next')
    assert.equal(await reader.until(0), null)
  })

test('a record that is too long is given up', async () => {
  const chunk = Buffer.alloc(1024 * 1024, 'x')
  const reader = new ByteReader(
    (async function* () {
      for (;;) yield chunk
    })(),
  )
  await assert.rejects(reader.until(0), { code: 'output_limit' })
})

test('lines before a mark come out the same however the bytes are cut, and what is too long does not', async () => {
  const mark = Buffer.from('@@')
  const line = fc.constantFrom('', 'a', '@', ' @@', '@a', 'long line').map((text) => `${text}\n`)
  const section = fc.array(line, { maxLength: 4 }).map((lines) => Buffer.from(`@@\n${lines.join('')}`))
  await fc.assert(
    fc.asyncProperty(fc.array(section), fc.array(fc.nat(7)), async (sections, sizes) => {
      const reader = new ByteReader(cut(Buffer.concat(sections), sizes))
      for (const each of sections) assert.deepEqual(await reader.linesBefore(mark, each.length), each)
      assert.equal((await reader.linesBefore(mark, 0))?.length, 0)
      const longest = sections.reduce((most, { length }) => Math.max(most, length), 0)
      if (longest === 0) return
      const short = new ByteReader(cut(Buffer.concat(sections), sizes))
      let found: Buffer | null = null
      for (let index = 0; index < sections.length && (index === 0 || found !== null); index++)
        found = await short.linesBefore(mark, longest - 1)
      assert.equal(found, null)
    }),
  )
})
