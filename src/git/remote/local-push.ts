import { asCanceled } from '../../core/deadline.ts'
import { hasCode } from '../../core/errors.ts'
import type { GitProgram } from './git-program.ts'
import { readPackets, type Packet } from './pkt-line.ts'
import { pushBy } from './push.ts'
import { checkPush, type PackMaker, type Pushed, type PushOptions } from './push-options.ts'
import { readPushAdvertisement } from './push-advertisement.ts'
import { startReceivePack } from './receive-pack.ts'
import { sendChunks } from './send-chunks.ts'

/** Refs and what hooks say; far above anything honest. */
const maxOutputBytes = 256 * 1024 * 1024

/** Pushes one ref to a repository of the same machine, by the caller's own `git receive-pack`. */
export async function pushToPath(path: string, options: PushOptions, makePack: PackMaker): Promise<Pushed> {
  checkPush(options)
  const { signal } = options
  const program = startReceivePack(path, { signal })
  const packets = readPackets(program.output, { maxBytes: maxOutputBytes })
  try {
    const advertised = await readPushAdvertisement(packets, options.ref)
    return await pushBy(
      { advertised, send: (request, read) => converse({ program, packets, signal }, request, read) },
      options,
      makePack,
    )
  } catch (error) {
    // What git said on stderr, where the conversation broke because git ended.
    throw (hasCode(error, 'remote_failed') ? await program.failure() : null) ?? error
  } finally {
    await program.end()
  }
}

/** Writes and reads at once: git may have much to say before it has taken everything. */
async function converse<T>(
  {
    program,
    packets,
    signal,
  }: { program: GitProgram; packets: AsyncGenerator<Packet, void, void>; signal: AbortSignal },
  request: AsyncIterable<Uint8Array>,
  read: (answer: AsyncGenerator<Packet, void, void>) => Promise<T>,
): Promise<T> {
  const pace = { onWait: () => {}, onTaken: () => {} }
  const hangUp = () => void program.input.destroy()
  const [sent, answer] = await Promise.allSettled([
    sendChunks(program.input, request, pace).catch((error: unknown) => {
      // git sees its input end in mid-pack, puts away what it has and goes; nothing it says of that is news.
      hangUp()
      throw error
    }),
    // Where the answer comes first, nobody takes the rest of the request.
    read(packets).finally(hangUp),
  ])
  if (sent.status === 'rejected') throw sent.reason
  if (signal.aborted && !program.input.writableEnded) throw asCanceled(signal.reason)
  if (answer.status === 'rejected') throw answer.reason
  // It has said everything, but may still put things away.
  await program.finished()
  return answer.value
}
