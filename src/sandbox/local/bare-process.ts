import { constants } from 'node:os'
import type { Readable, Writable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type { Command, Exit } from '../../core/exec.ts'
import type { BareProcess } from '../supervised.ts'
import { bubblewrapArguments, checkCommand, commandFields, type CommandPlace } from './command-plan.ts'
import type { Launcher } from './launcher-conversation.ts'
import { ignoreClosedPipe, writable } from './pipe.ts'

/** Starts a command in a sandbox by the sandbox's launcher. */
export function startProcess(launcher: Launcher, place: CommandPlace, command: Command): BareProcess {
  checkCommand(command)
  const fields = commandFields(place, bubblewrapArguments(place, command), command.argv)
  const hasInput = command.stdin !== undefined
  const launch = launcher.start({ kind: 'command', fields, hasInput, prepare: null })
  const kill = (): void => launch.signal('tree', constants.signals.SIGKILL)
  const stdout = output(launch.started.then((streams) => streams.stdout))
  const stderr = output(launch.started.then((streams) => streams.stderr))
  let isDiscarded = false

  async function end(): Promise<Exit> {
    const { stdin } = await launch.started
    const fed = stdin === null || command.stdin === undefined ? null : feed(stdin, command.stdin)
    // A source that breaks must not look like the end of the input: half of it would be taken for the whole.
    fed?.catch(kill)
    const ended = await launch.ended
    if (!isDiscarded) for (const stream of [stdout, stderr]) stream.keep()
    stdin?.destroy()
    await fed
    // Bubblewrap's exit code is the program's, or 128 + n where signal n ended it.
    const code = ended.signal === 0 ? ended.code : 128 + ended.signal
    return { code, signal: signalName(code) }
  }

  const ended = end()
  // Whoever reads only the streams learns there.
  ended.catch(() => {})
  return {
    stdout: stdout.read(),
    stderr: stderr.read(),
    ended,
    signal: (name) => launch.signal('program', constants.signals[name]),
    kill,
    discard() {
      isDiscarded = true
      for (const stream of [stdout, stderr]) stream.discard()
    },
  }
}

/** One stream of a process that may still be on its way. */
function output(opening: Promise<Readable>) {
  opening.catch(() => {
    // A process that never started is told by its end.
  })
  const discard = (): void => void opening.then((stream) => stream.destroy()).catch(() => {})
  let isRead = false
  let kept: Promise<Buffer> | null = null
  return {
    async *read(): AsyncGenerator<Buffer> {
      const stream = await opening
      isRead = true
      if (kept === null) yield* stream as AsyncIterable<Buffer>
      else yield await kept
    },
    /** Takes in what a program that has ended left in its pipe, for a reader who comes late; no more than a pipe holds. */
    keep(): void {
      if (!isRead) kept = opening.then((stream) => buffer(stream)).catch(() => Buffer.alloc(0))
    },
    discard,
  }
}

const signalNames: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.signals)
    // Of two names for one number the older stays.
    .toReversed()
    .map(([name, number]) => [number, name]),
)

function signalName(code: number): string | null {
  return code > 128 ? (signalNames.get(code - 128) ?? null) : null
}

/** Feeds a program's stdin; a program that stops reading is not an error. */
async function feed(stdin: Writable, source: AsyncIterable<Uint8Array>): Promise<void> {
  stdin.on('error', ignoreClosedPipe)
  const closed = new Promise<null>((resolve) => stdin.once('close', () => resolve(null)))
  const chunks = source[Symbol.asyncIterator]()
  // Where the source breaks, the pipe stays open until the program is gone: closed, it would say that all is there.
  while (!stdin.destroyed) {
    const next = chunks.next()
    // A source may be silent for ever: a program that is gone does not wait for it, nor hear how it ends.
    next.catch(() => {})
    const chunk = await Promise.race([next, closed])
    if (chunk?.done === true) return void stdin.end()
    if (chunk !== null && !stdin.write(chunk.value)) await writable(stdin)
  }
  void chunks.return?.().catch(() => {})
}
