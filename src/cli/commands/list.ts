import { Command } from 'commander'
import type { WorkspaceSummary } from '../../engine/contract.ts'
import { table } from '../format.ts'
import { printJson, printPlain, withServer, type Session } from '../session.ts'

/** `list`: the workspaces that are open on a server. */
export function listCommand(session: Session): Command {
  return new Command('list')
    .description('List the workspaces that are open on a server.')
    .option('--json', 'Print {"value": […], "receipt": null} on one line.')
    .addHelpText('after', '\nExample:\n  forkyard list')
    .action(async ({ json: isJson = false }: { json?: boolean }) => {
      const workspaces = await withServer(session, { isJson }, (server) => server.workspaces())
      if (isJson) await printJson(session, { value: workspaces, receipt: null })
      else if (workspaces.length > 0) await printPlain(session, table([header, ...workspaces.map(rowOf)]))
    })
}

const header = ['WORKSPACE', 'REPOSITORY', 'REF', 'COMMIT', 'HISTORY', 'WORKTREE', 'PROGRAMS', 'UNTIL']

function rowOf({ id, repo, ref, commit, history, cone, programs, expiresAt }: WorkspaceSummary): readonly string[] {
  const worktree = cone.length === 0 ? 'full' : cone.join(',')
  return [id, repo, ref, commit.slice(0, 12), String(history), worktree, String(programs), expiresAt]
}
