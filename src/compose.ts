import type { Settings } from './config.ts'
import type { HostReport } from './sandbox/host-report.ts'
import type { Engine } from './engine/contract.ts'
import { AppError } from './core/errors.ts'

/** Joins concrete drivers, caches and directories into an engine; the only place that knows them. */
export async function composeEngine(settings: Settings): Promise<Engine> {
  throw new AppError('host_unable', `Cannot make an engine: driver "${settings.driver}" is not composed yet`)
}

/** What this host can do for the configured driver. */
export async function probeHost(settings: Settings, _options: { signal: AbortSignal }): Promise<HostReport> {
  throw new AppError('host_unable', `Cannot probe the host: driver "${settings.driver}" is not composed yet`)
}
