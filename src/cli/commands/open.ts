import { Command } from 'commander'
import { addFlags, commonFields, givenValues } from '../operation-flags.ts'
import { printJson, printPlain, withServer, type Session } from '../session.ts'
import { addWorkspaceFlags, givenWorkspaceFields } from '../workspace-flags.ts'

/** `open <repo>`: a workspace on a server, which prints its id. */
export function openCommand(session: Session): Command {
  const command = addFlags(addWorkspaceFlags(new Command('open'), 'cone', 'history', 'ttl'), commonFields)
  return command
    .description('Open a workspace on a server and print its id.')
    .argument('<repo>', 'https://…')
    .option('--json', 'Print {"value": {"id", "expiresAt"}, "receipt": …} on one line.')
    .addHelpText('after', '\nExample:\n  forkyard open https://example.com/team/project --ref=main --ttl=1h')
    .action(async (repo: string, { json: isJson = false }: { json?: boolean }) => {
      const input = { repo, ...givenValues(command, commonFields), ...givenWorkspaceFields(command) }
      const { id, expiresAt, receipt } = await withServer(session, { isJson }, (server, options) =>
        server.open(input, options),
      )
      if (isJson) await printJson(session, { value: { id, expiresAt }, receipt })
      else await printPlain(session, id, receipt.warnings)
    })
}
