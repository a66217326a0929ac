import type { HostReport } from '../host-report.ts'
import type { LocalSettings } from './settings.ts'

export async function probeLocalHost(_settings: LocalSettings, _options: { signal: AbortSignal }): Promise<HostReport> {
  return { checks: [], able: true }
}
