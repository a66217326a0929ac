import { Command } from 'commander'
import { printJson, withServer, type Session } from '../session.ts'

/** `close <ws>`: a workspace ends, with all that runs in it. */
export function closeCommand(session: Session): Command {
  return new Command('close')
    .description('End a workspace on a server and all that runs in it.')
    .argument('<workspace>', 'id of a workspace, as forkyard open printed it')
    .option('--json', 'Print {"value": {"id": …}, "receipt": null} on one line.')
    .addHelpText('after', '\nExample:\n  forkyard close "$workspace"')
    .action(async (id: string, { json: isJson = false }: { json?: boolean }) => {
      await withServer(session, { isJson }, async (server) => (await server.workspace(id)).close())
      if (isJson) await printJson(session, { value: { id }, receipt: null })
    })
}
