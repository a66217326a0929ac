import type { Execution } from '../engine/contract.ts'
import { textOf } from '../engine/captured-execution.ts'
import type { StreamRecord } from './records.ts'

type Channel = 'stdout' | 'stderr'

/** A program's output as it comes, and how it ended. */
export async function* execRecords({ running, receipt }: Execution): AsyncGenerator<StreamRecord> {
  // Both are awaited at the end; until then a rejection is not unhandled.
  void Promise.allSettled([running.exit, receipt])
  let isWhole = false
  try {
    yield { type: 'start' }
    yield* merged(running)
    const { code, signal } = await running.exit
    yield { type: 'end', value: { exitCode: code, signal }, receipt: await receipt }
    isWhole = true
  } finally {
    if (!isWhole) running.signal('SIGKILL')
  }
}

/** Chunks of both streams in the order in which they are read; each waits for its own reader only. */
async function* merged(running: Pick<Execution['running'], Channel>): AsyncGenerator<StreamRecord> {
  const sources = new Map(
    (['stdout', 'stderr'] as const).map((channel) => [channel, running[channel][Symbol.asyncIterator]()]),
  )
  const read = async (channel: Channel, source: AsyncIterator<Uint8Array>) => ({ channel, found: await source.next() })
  const waiting = new Map([...sources].map(([channel, source]) => [channel, read(channel, source)]))
  try {
    while (waiting.size > 0) {
      const { channel, found } = await Promise.race(waiting.values())
      const source = sources.get(channel)
      if (found.done === true || source === undefined) waiting.delete(channel)
      else {
        yield { type: channel, data: textOf(Buffer.from(found.value)) }
        waiting.set(channel, read(channel, source))
      }
    }
  } finally {
    for (const each of waiting.values())
      each.catch(() => {
        // The first failure is the one that is told.
      })
  }
}
