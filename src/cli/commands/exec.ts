import { Command } from 'commander'
import { showExecution } from '../execution-output.ts'
import { addFlags, commonFields, givenValues } from '../operation-flags.ts'
import { withServer, type Session } from '../session.ts'

const fields = commonFields.filter(({ name }) => name === 'deadlineMs')

/** `exec <ws> -- argv…`: a program in a workspace on a server; its exit code becomes ours. */
export function execCommand(session: Session): Command {
  const command = addFlags(new Command('exec'), fields)
  return command
    .description('Run a program in a workspace on a server and exit with its code.')
    .usage('<workspace> [flags] -- <program> [arguments...]')
    .argument('<workspace>', 'id of a workspace, as forkyard open printed it')
    .argument('<program...>', 'the program and its arguments, after --')
    .option('--cwd <directory>', 'Where it starts, from the root of the workspace.')
    .option(
      '--json',
      'Print {"value": {"exitCode", "signal", "stdout", "stderr", "truncated"}, "receipt": …} on one line.',
    )
    .addHelpText('after', '\nExample:\n  forkyard exec "$workspace" -- git status --short')
    .action(async (id: string, argv: readonly string[], { json: isJson = false, cwd }: Flags) => {
      const input = { argv, ...givenValues(command, fields), ...(cwd === undefined ? {} : { cwd }) }
      await withServer(session, { isJson }, async (server, options) => {
        const execution = await (await server.workspace(id)).exec(input, options)
        session.exitWith(await showExecution(execution, session, { isJson }))
      })
    })
}

interface Flags {
  readonly json?: boolean
  readonly cwd?: string
}
