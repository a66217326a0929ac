import { asCanceled } from '../core/deadline.ts'
import type { Command, Exec, Running } from '../core/exec.ts'

/** How long a program that is given up has to put things away, and how often it is asked to. */
const GRACE_MS = 1500
const ASK_AGAIN_MS = 20

/**
 * Ends what is given up by SIGTERM first, and by force only when that takes too long. Git then takes its own locks away;
 * nobody else could tell them from those of a program that works beside it.
 */
export function endingGently(exec: Exec): Exec {
  return (command) => (command.signal.aborted ? exec(command) : begin(exec, command))
}

function begin(exec: Exec, command: Command): Running {
  const { signal } = command
  const force = new AbortController()
  let failure: Error | null = null
  // The deadline of a request is in its signal, and comes first.
  const running = exec({ ...command, signal: force.signal, deadlineMs: command.deadlineMs + GRACE_MS })
  let asking: NodeJS.Timeout | undefined
  let losingPatience: NodeJS.Timeout | undefined
  const ask = (): void => running.signal('SIGTERM')

  function giveUp(): void {
    failure = asCanceled(signal.reason)
    ask()
    // A program that has not begun yet hears nothing.
    asking = setInterval(ask, ASK_AGAIN_MS)
    losingPatience = setTimeout(() => force.abort(failure), GRACE_MS)
  }

  signal.addEventListener('abort', giveUp, { once: true })
  const exit = running.exit
    .finally(() => {
      signal.removeEventListener('abort', giveUp)
      clearInterval(asking)
      clearTimeout(losingPatience)
    })
    .then((ended) => {
      if (failure !== null) throw failure
      return ended
    })
  // Who reads only the streams learns of the failure there.
  exit.catch(() => {})

  /** What was cut must not look complete. */
  async function* whole(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    yield* stream
    if (failure !== null) throw failure
  }

  return { ...running, stdout: whole(running.stdout), stderr: whole(running.stderr), exit }
}
