import { Command } from 'commander'
import type { Operation } from '../../git/operation.ts'
import { addFlags, flagsOf, givenValues, operationFields } from '../operation-flags.ts'
import { printJson, printPlain, withEngine, withServer, type Session } from '../session.ts'
import { isWorkspaceId, repoOf } from '../target.ts'

/** The command of an operation, derived from its declaration. */
export function operationCommand(operation: Operation, session: Session): Command {
  const fields = operationFields(operation)
  const command = addFlags(new Command(operation.name), fields)
  return command
    .description(operation.summary)
    .argument('<repo>', 'https://…, file://…, a path, or ws_… on a server')
    .option('--json', 'Print {"value": …, "receipt": …} on one line.')
    .addHelpText('after', `\nExample:\n  ${exampleOf(operation)}`)
    .action(async (target: string, { json: isJson = false }: { json?: boolean }) => {
      const given = givenValues(command, fields)
      const { value, receipt } = isWorkspaceId(target)
        ? await withServer(session, { isJson }, async (server, options) =>
            (await server.workspace(target)).run(operation.name, given, options),
          )
        : await withEngine(session, { isJson }, (engine, options) =>
            engine.run(operation.name, { repo: repoOf(target), ...given }, options),
          )
      if (isJson) await printJson(session, { value, receipt })
      else await printPlain(session, operation.plain(value), receipt.warnings)
    })
}

/** A command line that works in any repository with a README.md. */
export function exampleOf(operation: Operation): string {
  return ['forkyard', operation.name, '.', ...flagsOf(operation.example)].join(' ')
}
