import { Command } from 'commander'
import { showExecution } from '../execution-output.ts'
import { addFlags, commonFields, givenValues } from '../operation-flags.ts'
import { withEngine, type Session } from '../session.ts'
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
        session.exitWith(await showExecution(execution, session, { isJson }))
      })
    })
}
