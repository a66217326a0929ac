import { Command } from 'commander'
import { printJson, printPlain, withServer, type Session } from '../session.ts'
import { addWorkspaceFlags, givenWorkspaceFields } from '../workspace-flags.ts'

/** `extend <ws>`: a workspace lives longer or holds more; prints until when it lives. */
export function extendCommand(session: Session): Command {
  const command = addWorkspaceFlags(new Command('extend'), 'ttl', 'history', 'cone')
  return command
    .description('Let a workspace on a server live longer or hold more, and print until when it lives.')
    .argument('<workspace>', 'id of a workspace, as forkyard open printed it')
    .option('--json', 'Print {"value": {"id", "expiresAt"}, "receipt": …} on one line.')
    .addHelpText('after', '\nExample:\n  forkyard extend "$workspace" --ttl=2h --history=full')
    .action(async (id: string, { json: isJson = false }: { json?: boolean }) => {
      const input = givenWorkspaceFields(command)
      const { value, receipt } = await withServer(session, { isJson }, async (server, options) =>
        (await server.workspace(id)).extend(input, options),
      )
      if (isJson) await printJson(session, { value, receipt })
      else await printPlain(session, value.expiresAt, receipt.warnings)
    })
}
