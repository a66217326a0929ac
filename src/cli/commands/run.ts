import { Command } from 'commander'
import { capturedExecution } from '../../engine/captured-execution.ts'
import type { Execution } from '../../engine/contract.ts'
import { addFlags, commonFields, givenValues } from '../operation-flags.ts'
import { forward } from '../program-output.ts'
import { printJson, printPlain, withEngine, type Session } from '../session.ts'
import { repoOf } from '../target.ts'

/** `run <repo> -- argv…`: a program in a throw-away fork; its exit code becomes ours. */
export function runCommand(session: Session): Command {
  const command = addFlags(new Command('run'), commonFields)
  return command
    .description('Run a program in a throw-away fork of a repository and exit with its code.')
    .usage('<repo> [flags] -- <program> [arguments...]')
    .argument('<repo>', 'https://…, file://… or a path')
    .argument('<program...>', 'the program and its arguments, after --')
    .option(
      '--json',
      'Print {"value": {"exitCode", "signal", "stdout", "stderr", "truncated"}, "receipt": …} on one line.',
    )
    .addHelpText('after', '\nExample:\n  forkyard run . -- git status --short')
    .action(async (target: string, argv: readonly string[], { json: isJson = false }: { json?: boolean }) => {
      const input = { repo: repoOf(target), ...givenValues(command, commonFields), argv }
      await withEngine(session, { isJson }, async (engine, options) => {
        const execution = await engine.exec(input, options)
        session.exitWith(await (isJson ? captured(execution, session) : forwarded(execution, session)))
      })
    })
}

async function captured(execution: Execution, session: Session): Promise<number> {
  const answer = await capturedExecution(execution)
  await printJson(session, answer)
  return answer.value.exitCode
}

async function forwarded({ running, receipt: ending }: Execution, session: Session): Promise<number> {
  const { stdout, stderr } = session.terminal
  // A reader that has gone is the program's own affair, as in any pipe.
  const onGone = (): void => running.signal('SIGPIPE')
  const [, , exit, receipt] = await Promise.all([
    forward(running.stdout, stdout, onGone),
    forward(running.stderr, stderr, onGone),
    running.exit,
    ending,
  ])
  await printPlain(session, '', receipt.warnings)
  return exit.code
}
