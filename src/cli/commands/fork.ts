import { Command, InvalidArgumentError } from 'commander'
import { printJson, printPlain, withServer, type Session } from '../session.ts'
import { addWorkspaceFlags, givenWorkspaceFields } from '../workspace-flags.ts'

/** `fork <ws>`: copies of a workspace with everything that was changed; prints their ids. */
export function forkCommand(session: Session): Command {
  const command = addWorkspaceFlags(new Command('fork'), 'ttl')
  return command
    .description('Copy a workspace on a server with everything that was changed, and print the ids of the copies.')
    .argument('<workspace>', 'id of a workspace, as forkyard open printed it')
    .option('-n, --count <number>', 'How many copies.', parseCount)
    .option('--json', 'Print {"value": [{"id", "expiresAt"}, …], "receipt": …} on one line.')
    .addHelpText('after', '\nExample:\n  forkyard fork "$workspace" -n 3')
    .action(async (id: string, { json: isJson = false, count }: { json?: boolean; count?: number }) => {
      const input = { ...(count === undefined ? {} : { count }), ...givenWorkspaceFields(command) }
      const forks = await withServer(session, { isJson }, async (server, options) =>
        (await server.workspace(id)).fork(input, options),
      )
      const value = forks.map((fork) => ({ id: fork.id, expiresAt: fork.expiresAt }))
      if (isJson) await printJson(session, { value, receipt: forks[0]?.receipt ?? null })
      else await printPlain(session, value.map((fork) => fork.id).join('\n'))
    })
}

function parseCount(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('It is not a number.')
  return Number(text)
}
