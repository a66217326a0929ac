import type { CallerOptions, EngineState } from './contract.ts'
import type { Parts } from './parts.ts'

/** What an engine holds and does now, in figures. */
export async function stateOf(
  { driver, gitVersion, leases, readers, flights, admission }: Parts,
  { caller }: CallerOptions,
): Promise<EngineState> {
  const images = await driver.images()
  const open = leases.all(caller?.isOperator === true ? undefined : caller)
  return {
    driver: driver.name,
    gitVersion,
    workspaces: open.length,
    programs: open.reduce((sum, { programs }) => sum + programs, 0),
    readers: readers.size,
    flights: flights.size,
    running: admission.running,
    waiting: admission.waiting,
    images: images.length,
    imageBytes: images.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0),
  }
}
