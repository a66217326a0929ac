import { setTimeout as pause } from 'node:timers/promises'
import { systemClock } from '../core/clock.ts'
import { AppError } from '../core/errors.ts'
import type { AnnouncedEngine } from '../engine/announcements.ts'
import type { RequestSchemas } from '../engine/request.ts'
import type { EngineSettings } from '../engine/settings.ts'
import { apiKeys } from './api-keys.ts'
import type { ServiceParts } from './door.ts'
import { hookSecrets } from './hook-secrets.ts'
import { repetitions } from './repetitions.ts'
import { httpService } from './service.ts'
import type { HttpSettings } from './settings.ts'

interface Opening {
  readonly engine: AnnouncedEngine
  readonly settings: HttpSettings & Pick<EngineSettings, 'streamIdleMs'>
  readonly schemas: RequestSchemas
  readonly version: string
  readonly watching: Watching
}

/** What watches over the service, until it is closed. */
export type Watching = Pick<ServiceParts, 'metrics' | 'recent' | 'log' | 'health'> & { close(): void }

/** The engine as a service that listens to nobody yet; it closes the engine with itself. */
export async function openService({ engine, settings, schemas, version, watching }: Opening) {
  const { apiKeysFile, hookSecretsFile, arrivalMs, drainMs, streamIdleMs } = settings
  const keys = apiKeysFile === null ? null : await apiKeys(apiKeysFile, systemClock)
  const hooks = await hookSecrets(hookSecretsFile, systemClock)
  const life = { isDraining: false }
  const sending = { repetitions: repetitions(), silenceMs: streamIdleMs }
  const door = await httpService({ engine, schemas, version, arrivalMs, keys, hooks, sending, life, ...watching })
  door.addHook('onSend', async (_request, reply) => {
    // Who has fallen silent may still fetch the error that says so, but holds no connection, and no answer, for ever.
    reply.raw.setTimeout(2 * streamIdleMs, () => void reply.raw.destroy())
  })
  door.addHook('onResponse', (_request, _reply, done) => {
    // A connection that was busy when the service was told to stop waits for nothing more.
    if (life.isDraining) setImmediate(() => door.server.closeIdleConnections())
    done()
  })
  return {
    async listen(address: { readonly host: string; readonly port: number }): Promise<string> {
      if (keys === null && !isLoopback(address.host))
        throw new AppError(
          'settings_invalid',
          `Cannot listen on ${address.host}: without API keys only loopback is served`,
        )
      return door.listen(address)
    },
    async close(): Promise<void> {
      life.isDraining = true
      const answered = door.close()
      const timeIsUp = new AbortController()
      await Promise.race([answered, pause(drainMs, undefined, { signal: timeIsUp.signal })])
      timeIsUp.abort()
      // Whoever is still answered learns that its workspace has ended.
      await engine.close()
      door.server.closeAllConnections()
      await answered
      watching.close()
    },
  }
}

function isLoopback(host: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/.test(host)
}
