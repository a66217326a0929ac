import { once } from 'node:events'
import { Command } from 'commander'
import { AppError } from '../../core/errors.ts'
import type { Session } from '../session.ts'
import { writeText } from '../terminal.ts'

interface Flags {
  readonly host: string
  readonly port: string
}

/** `serve`: the engine over HTTP, until it is told to stop. */
export function serveCommand({ doors, terminal, signal }: Session): Command {
  return new Command('serve')
    .description('Serve the engine over HTTP until SIGTERM or SIGINT.')
    .option('--host <address>', 'Where to listen; without API keys only on loopback.', '127.0.0.1')
    .option('--port <number>', 'Where to listen; 0 takes any port that is free.', '7070')
    .addHelpText('after', '\nExample:\n  forkyard serve --port=7070')
    .action(async (flags: Flags) => {
      const address = addressOf(flags)
      const service = await doors.service()
      try {
        const url = await service.listen(address)
        await writeText(terminal.stdout, welcome(url))
        if (!signal.aborted) await once(signal, 'abort')
      } finally {
        await service.close()
      }
    })
}

function addressOf({ host, port }: Flags): { host: string; port: number } {
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535)
    throw new AppError('settings_invalid', `Cannot listen on port "${port}": it is none`)
  return { host, port: Number(port) }
}

function welcome(url: string): string {
  return `forkyard serves ${url}

  curl ${url}/v1/operations/log -H 'content-type: application/json' -d '{"repo": "https://host/team/project", "limit": 3}'
  curl ${url}/v1/workspaces -H 'content-type: application/json' -d '{"repo": "https://host/team/project"}'
  ${url}/openapi.json describes every route.
`
}
