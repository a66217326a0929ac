import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hasCode, type ErrorCode } from '../../../src/core/errors.ts'
import {
  delimiterPacket,
  demultiplex,
  encodePacket,
  flushPacket,
  packetText,
  readPackets,
  type Packet,
} from '../../../src/git/remote/pkt-line.ts'

async function* pieces(bytes: Uint8Array, cuts: readonly number[]) {
  let start = 0
  for (const size of cuts) {
    yield bytes.subarray(start, start + size)
    start += size
  }
  yield bytes.subarray(start)
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

async function read(
  bytes: Uint8Array,
  { cuts = [], maxBytes = 1_000_000 }: { cuts?: number[]; maxBytes?: number } = {},
) {
  return await all(readPackets(pieces(bytes, cuts), { maxBytes }))
}

function withCode(code: ErrorCode) {
  return (error: unknown) => hasCode(error, code)
}

test('what was encoded is read back, however the stream is cut', async () => {
  const payload = fc.uint8Array({ minLength: 1, maxLength: 300 })
  const cuts = fc.array(fc.nat(40), { maxLength: 50 })
  await fc.assert(
    fc.asyncProperty(fc.array(payload, { maxLength: 8 }), cuts, async (payloads, sizes) => {
      const packets = await read(Buffer.concat([...payloads.map(encodePacket), delimiterPacket, flushPacket]), {
        cuts: sizes,
      })
      const data = packets.flatMap((packet) => (packet.kind === 'data' ? [new Uint8Array(packet.payload)] : []))
      assert.deepEqual(
        data,
        payloads.map((bytes) => new Uint8Array(bytes)),
      )
      assert.deepEqual(packets.slice(-2), [{ kind: 'delimiter' }, { kind: 'flush' }])
    }),
  )
})

test('the greatest packet is read, a greater one refused', async () => {
  assert.equal((await read(encodePacket(new Uint8Array(65_516)))).length, 1)
  assert.throws(() => encodePacket(new Uint8Array(65_517)), withCode('internal'))
  await assert.rejects(read(Buffer.from('fff1')), withCode('remote_invalid'))
})

test('random bytes are packets or an error with a code, never anything else', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 50 }), async (bytes) => {
      try {
        await read(bytes)
      } catch (error) {
        assert(hasCode(error, 'remote_invalid', 'remote_failed'))
      }
    }),
  )
})

test('a stream is bounded and may not end within a packet', async () => {
  const bytes = encodePacket('hello')
  assert.equal((await read(bytes, { maxBytes: bytes.length })).length, 1)
  await assert.rejects(read(bytes, { maxBytes: bytes.length - 1 }), withCode('remote_invalid'))
  for (let size = 1; size < bytes.length; size += 1) {
    await assert.rejects(read(bytes.subarray(0, size)), withCode('remote_failed'))
  }
})

test("the server's own error report is thrown without its control characters", () => {
  const packet: Packet = { kind: 'data', payload: Buffer.from('ERR no \u001b[2J\u202e//user:pass@host way\n') }
  assert.throws(
    () => packetText(packet),
    (error) => hasCode(error, 'remote_failed') && error.details['said'] === 'no ?[2J?//host way',
  )
  assert.throws(
    () => packetText({ kind: 'data', payload: Buffer.from('ERR upload-pack: not our ref 1\n') }),
    withCode('commit_not_found'),
  )
})

test('side bands are told apart', async () => {
  const seen: string[] = []
  const band = (number: number, text: string) => encodePacket(Buffer.concat([Buffer.from([number]), Buffer.from(text)]))
  const unband = async (...parts: Buffer[]) => {
    const packets = readPackets(pieces(Buffer.concat(parts), []), { maxBytes: 10_000 })
    const data = await all(demultiplex(packets, { onProgress: (text) => seen.push(text) }))
    return Buffer.concat(data).toString()
  }
  assert.equal(await unband(band(1, 'PA'), band(2, 'Counting: 1'), band(2, '0\r'), band(1, 'CK'), flushPacket), 'PACK')
  assert.equal(seen.join(''), 'Counting: 10\r')
  await assert.rejects(unband(band(1, 'PA'), band(3, 'out of memory')), withCode('remote_failed'))
  await assert.rejects(unband(band(1, 'PA'), band(4, '?')), withCode('remote_invalid'))
  await assert.rejects(unband(band(1, 'PA')), withCode('remote_failed'))
  await assert.rejects(unband(band(1, 'PA'), delimiterPacket), withCode('remote_invalid'))
})
