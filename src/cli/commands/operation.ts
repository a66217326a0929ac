import { Command } from 'commander'
import type { Operation } from '../../git/operation.ts'
import { addFlags, flagsOf, givenValues, operationFields } from '../operation-flags.ts'
import { printJson, printPlain, withEngine, type Session } from '../session.ts'
import { repoOf } from '../target.ts'
import { printRecords } from '../print-records.ts'

interface Flags {
  readonly json?: boolean
  readonly stream?: boolean
}

/** The command of an operation, derived from its declaration. */
export function operationCommand(operation: Operation, session: Session): Command {
  const fields = operationFields(operation)
  const command = addFlags(new Command(operation.name), fields)
  return command
    .description(operation.summary)
    .argument('<repo>', 'https://…, file://… or a path')
    .option('--json', 'Print {"value": …, "receipt": …} on one line.')
    .option('--stream', 'Print {"type": "start" | "progress" | "item" | "end" | "error", …} as it comes, a line each.')
    .addHelpText('after', `\nExample:\n  ${exampleOf(operation)}`)
    .action(async (target: string, { json: isJson = false, stream: isStream = false }: Flags) => {
      const input = { repo: repoOf(target), ...givenValues(command, fields) }
      if (isStream) {
        await withEngine(session, { isJson: true }, (engine, options) =>
          printRecords(session, engine.stream(operation.name, input, options)),
        )
        return
      }
      const { value, receipt } = await withEngine(session, { isJson }, (engine, options) =>
        engine.run(operation.name, input, options),
      )
      if (isJson) await printJson(session, { value, receipt })
      else await printPlain(session, operation.plain(value), receipt.warnings)
    })
}

/** A command line that works in any repository with a README.md. */
export function exampleOf(operation: Operation): string {
  return ['forkyard', operation.name, '.', ...flagsOf(operation.example)].join(' ')
}
