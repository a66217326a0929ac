import { constants } from 'node:os'
import { hasCode } from '../core/errors.ts'
import { capturedExecution } from '../engine/captured-execution.ts'
import type { Execution } from '../engine/contract.ts'
import { forward } from './program-output.ts'
import { printJson, printPlain, type Session } from './session.ts'

/** Shows what a program says, as it comes or on one line, and returns its exit code. */
export function showExecution(
  execution: Execution,
  session: Session,
  { isJson }: { readonly isJson: boolean },
): Promise<number> {
  return isJson ? captured(execution, session) : forwarded(execution, session)
}

async function captured(execution: Execution, session: Session): Promise<number> {
  const answer = await capturedExecution(execution)
  await printJson(session, answer)
  return answer.value.exitCode
}

async function forwarded({ running, receipt: ending }: Execution, session: Session): Promise<number> {
  const { stdout, stderr } = session.terminal
  let isReaderGone = false
  // A reader that has gone is the program's own affair, as in any pipe.
  const onGone = (): void => {
    isReaderGone = true
    running.signal('SIGPIPE')
  }
  try {
    const [, , exit, receipt] = await Promise.all([
      forward(running.stdout, stdout, onGone),
      forward(running.stderr, stderr, onGone),
      running.exit,
      ending,
    ])
    await printPlain(session, '', receipt.warnings)
    return exit.code
  } catch (error) {
    // On a server a program cannot be told, only ended; here that comes to the same.
    if (isReaderGone && !session.signal.aborted && hasCode(error, 'canceled')) return 128 + constants.signals.SIGPIPE
    throw error
  }
}
