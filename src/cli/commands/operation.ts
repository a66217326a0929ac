import { Command } from 'commander'
import type { Engine, RequestOptions } from '../../engine/contract.ts'
import type { Operation } from '../../git/operation.ts'
import { addFlags, flagsOf, givenValues, operationFields } from '../operation-flags.ts'
import { printRecords } from '../print-records.ts'
import { printJson, printPlain, withEngine, withServer, type Session } from '../session.ts'
import { isWorkspaceId, repoOf } from '../target.ts'

interface Flags {
  readonly json?: boolean
  readonly stream?: boolean
}

/** Lends who answers: an engine in this process, or a workspace on a server. */
type Asking = <T>(
  fn: (answerer: Pick<Engine, 'run' | 'stream'>, input: unknown, options: RequestOptions) => Promise<T>,
) => Promise<T>

/** The command of an operation, derived from its declaration. */
export function operationCommand(operation: Operation, session: Session): Command {
  const fields = operationFields(operation)
  const command = addFlags(new Command(operation.name), fields)
  return command
    .description(operation.summary)
    .argument('<repo>', 'https://…, file://…, a path, or ws_… on a server')
    .option('--json', 'Print {"value": …, "receipt": …} on one line.')
    .option('--stream', 'Print {"type": "start" | "progress" | "item" | "end" | "error", …} as it comes, a line each.')
    .addHelpText('after', `\nExample:\n  ${exampleOf(operation)}`)
    .action(async (target: string, { json: isJson = false, stream: isStream = false }: Flags) => {
      const given = givenValues(command, fields)
      const use = { isJson: isJson || isStream }
      const ask: Asking = isWorkspaceId(target)
        ? (fn) =>
            withServer(session, use, async (server, options) => fn(await server.workspace(target), given, options))
        : (fn) =>
            withEngine(session, use, async (engine, options) => fn(engine, { repo: repoOf(target), ...given }, options))
      if (isStream) {
        await ask(async (answerer, input, options) => {
          await printRecords(session, answerer.stream(operation.name, input, options))
        })
        return
      }
      const { value, receipt } = await ask((answerer, input, options) => answerer.run(operation.name, input, options))
      if (isJson) await printJson(session, { value, receipt })
      else await printPlain(session, operation.plain(value), receipt.warnings)
    })
}

/** A command line that works in any repository with a README.md. */
export function exampleOf(operation: Operation): string {
  return ['forkyard', operation.name, '.', ...flagsOf(operation.example)].join(' ')
}
