import type { EngineState, SharedState } from './contract.ts'
import type { Parts } from './parts.ts'

/** What all tenants have together, as far as it is at hand. */
export type EngineFigures = Omit<SharedState, 'cache' | 'advice'> & Pick<EngineState, 'workspaces' | 'programs'>

/** What can be asked again and again: nothing is looked up that takes long. */
export async function figuresOf({ driver, readers, pool, flights, admission, leases }: Parts): Promise<EngineFigures> {
  const images = await driver.images()
  const open = leases.all(undefined)
  return {
    workspaces: open.length,
    programs: open.reduce((sum, { programs }) => sum + programs, 0),
    readers: readers.size,
    pool: pool.figures,
    flights: flights.size,
    running: admission.running,
    waiting: admission.waiting,
    images: images.length,
    imageBytes: images.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0),
  }
}
