import type { Writable } from 'node:stream'
import type { Settings } from './config.ts'
import { systemClock } from './core/clock.ts'
import type { ServiceEngine } from './engine/announcements.ts'
import { tiers } from './engine/contract.ts'
import { requestNames } from './engine/request-scope.ts'
import { subcommandNames } from './git/arguments.ts'
import { effects } from './git/operation.ts'
import { operations } from './git/registry.ts'
import type { Watching } from './http/open-service.ts'
import { serviceLog } from './http/log.ts'
import { noteNotable } from './http/request-notes.ts'
import type { Figures } from './metrics/definitions.ts'
import { metrics as startMetrics } from './metrics/metrics.ts'
import { recentDefaults, recentOperations } from './metrics/recent.ts'
import type { SandboxDriver } from './sandbox/contract.ts'
import { hostHealth } from './sandbox/local/host-health.ts'

interface Watched {
  readonly engine: Pick<ServiceEngine, 'figures'>
  readonly driver: SandboxDriver
  readonly settings: Settings
  readonly logTo: Pick<Writable, 'write'> | null
}

/** What watches over a service: metrics, the latest notable operations, the log and the host's health. Only services load it. */
export function oversight({ engine, driver, settings, logTo }: Watched): Watching {
  const given = {
    operation: [...operations.map(({ name }) => name), ...requestNames],
    effect: effects,
    tier: tiers,
    subcommand: subcommandNames,
  }
  const figures = async (): Promise<Figures> => {
    const { pool, ...others } = await engine.figures()
    return { ...others, poolWaiting: pool.waiting, poolTarget: pool.target }
  }
  const metrics = startMetrics({ given, figures })
  const recent = recentOperations({ ...recentDefaults, onNotable: noteNotable })
  return {
    metrics,
    recent,
    log: serviceLog({ level: logTo === null ? 'silent' : settings.log, to: logTo ?? { write: () => true } }),
    health: hostHealth({ driver, settings }, systemClock),
    close() {
      metrics.close()
      recent.close()
    },
  }
}
