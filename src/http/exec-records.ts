import { handOver, type Teller } from '../core/hand-over.ts'
import { settleAll } from '../core/settle-all.ts'
import { textOf } from '../engine/captured-execution.ts'
import type { Execution } from '../engine/contract.ts'
import type { StreamRecord } from './records.ts'

/** A program's output as it comes, and how it ended; the program ends with its reader. */
export function execRecords(
  start: (options: { signal: AbortSignal }) => Promise<Execution>,
  { silenceMs }: { readonly silenceMs: number },
): AsyncIterableIterator<StreamRecord, undefined, undefined> {
  return handOver<StreamRecord>(
    async ({ give }, signal) => {
      const { running, known, receipt } = await start({ signal })
      // It is awaited at the end; until then a rejection is not unhandled.
      receipt.catch(() => {})
      await give({ type: 'start', receipt: known })
      await settleAll([tell('stdout', running.stdout, give), tell('stderr', running.stderr, give)])
      const { code: exitCode, signal: endedBy } = await running.exit
      await give({ type: 'end', value: { exitCode, signal: endedBy }, receipt: await receipt })
    },
    { silenceMs },
  )
}

/** Each chunk once the one before was taken, so that a program whose output nobody reads comes to stand still. */
async function tell(
  type: 'stdout' | 'stderr',
  chunks: AsyncIterable<Uint8Array>,
  give: Teller<StreamRecord>['give'],
): Promise<void> {
  for await (const chunk of chunks) await give({ type, data: textOf(Buffer.from(chunk)) })
}
