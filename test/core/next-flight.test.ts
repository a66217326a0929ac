import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nextFlight } from '../../src/core/next-flight.ts'

const never = (): { signal: AbortSignal } => ({ signal: new AbortController().signal })
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Work that ends when its test says so, with the number it was started as. */
function gated() {
  const gates: PromiseWithResolvers<void>[] = []
  const signals: AbortSignal[] = []
  const work = async (signal: AbortSignal): Promise<number> => {
    const gate = Promise.withResolvers<void>()
    signals.push(signal)
    const number = gates.push(gate)
    await gate.promise
    return number
  }
  return { gates, signals, work }
}

test('whoever comes while all turns are taken shares the next, which begins after they asked', async () => {
  const flights = nextFlight<number>({ permits: 2 })
  const { gates, work } = gated()
  const ask = async () => {
    const answer = flights.run('k', work, never())
    await turn()
    return { answer }
  }
  const asked = [await ask(), await ask(), await ask(), await ask(), await ask()]
  assert.equal(gates.length, 2)
  gates[1]?.resolve()
  await turn()
  assert.equal(gates.length, 3)
  const late = await ask()
  for (const { resolve } of gates) resolve()
  await turn()
  assert.equal(gates.length, 4)
  gates[3]?.resolve()
  assert.deepEqual(await Promise.all([...asked, late].map(({ answer }) => answer)), [1, 2, 3, 3, 3, 4])
})

test('a failure reaches those who share it, and the next turn begins all the same', async () => {
  const flights = nextFlight<number>({ permits: 1 })
  const { gates, work } = gated()
  const first = assert.rejects(flights.run('k', work, never()), /no/)
  await turn()
  const shared = [flights.run('k', work, never()), flights.run('k', work, never())]
  gates[0]?.reject(new Error('no'))
  await first
  await turn()
  gates[1]?.resolve()
  assert.deepEqual(await Promise.all(shared), [2, 2])
})

test('who leaves before their turn leaves at once, and the last one takes it along', async () => {
  const flights = nextFlight<number>({ permits: 1 })
  const { gates, signals, work } = gated()
  const first = flights.run('k', work, never())
  await turn()
  const leaver = new AbortController()
  const waiting = assert.rejects(flights.run('k', work, { signal: leaver.signal }), /gone/)
  leaver.abort(new Error('gone'))
  await waiting
  gates[0]?.resolve()
  assert.equal(await first, 1)
  assert.deepEqual([gates.length, signals[0]?.aborted], [1, false])
})
