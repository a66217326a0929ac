import { readFileSync } from 'node:fs'
// Takes effect because zod is only ever reached through the dynamic imports below.
import './cli/lean-zod.ts'
import { interruptOf } from './cli/interrupt.ts'
import { runCli } from './cli/run-cli.ts'

const env = { ...process.env }
const settings = async () => (await import('./config.ts')).settingsFromEnvironment(env)

async function version(): Promise<string> {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}

process.exitCode = await runCli(process.argv.slice(2), {
  terminal: process,
  interrupt: interruptOf(process),
  doors: {
    gitAuthorization: env['FORKYARD_GIT_AUTHORIZATION'],
    engine: async () => (await import('./compose.ts')).composeEngine(await settings(), env),
    service: async () =>
      (await import('./compose.ts')).composeService(await settings(), env, {
        version: await version(),
        logTo: process.stderr,
      }),
    server: async () =>
      (await import('./client/connect.ts')).connect((await settings()).url, { key: env['FORKYARD_API_KEY'] }),
    probeHost: async (options) => (await import('./compose.ts')).probeHost(await settings(), options),
    benchmarks: async () => (await import('./cli/benchmarks.ts')).benchmarksIn(new URL('../bench/', import.meta.url)),
    version,
  },
})
