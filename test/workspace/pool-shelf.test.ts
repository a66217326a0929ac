import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Sandbox, Spare, Upper } from '../../src/sandbox/contract.ts'
import { shelf } from '../../src/workspace/pool-shelf.ts'
import { blank } from '../support/pool-ground.ts'

/** A spare that can be lent while its memory has room. */
function spareOf(upper: Upper, hasRoom: () => boolean): { readonly spare: Spare; readonly sandbox: Sandbox } {
  const sandbox = { id: upper } as Sandbox
  const spare = { upper, isAlive: true, lend: () => (hasRoom() ? sandbox : null), destroy: async () => {} }
  return { spare, sandbox }
}

test('one in memory is lent before older ones on disk, and stays where memory has no room for it', () => {
  let hasRoom = false
  const kept = shelf({ spec: blank, now: 0, discard: () => assert.fail('nobody gives up anything') })
  const memory = spareOf('memory', () => hasRoom)
  const disks = [1, 2].map(() => spareOf('disk', () => true))
  for (const [since, { spare }] of [...disks, memory].entries()) {
    kept.begin()
    kept.add({ spare, since }, 10)
  }
  assert.equal(kept.lend({}), disks[0]?.sandbox)
  hasRoom = true
  assert.equal(kept.lend({}), memory.sandbox)
  hasRoom = false
  assert.equal(kept.lend({}), disks[1]?.sandbox)
  assert.deepEqual([kept.lend({}), kept.size], [null, 0])
})
