import type { Background } from './background.ts'
import { cacheState } from './cache-state.ts'
import type { CallerOptions, EngineState, SharedState } from './contract.ts'
import type { Parts } from './parts.ts'

/** What an engine holds and does now, in figures; of others than the caller only to an operator. */
export async function stateOf(parts: Parts, advisor: Advisor, { caller }: CallerOptions): Promise<EngineState> {
  const { driver, gitVersion, leases } = parts
  const isOneOfMany = caller?.isOperator === false
  const open = leases.all(isOneOfMany ? caller : undefined)
  return {
    driver: driver.name,
    gitVersion,
    workspaces: open.length,
    programs: open.reduce((sum, { programs }) => sum + programs, 0),
    shared: isOneOfMany ? null : { ...(await sharedState(parts)), advice: await advisor.advice() },
  }
}

/** What looks at figures in an operator's place. */
type Advisor = Pick<Background, 'advice'>

async function sharedState({
  driver,
  readers,
  pool,
  flights,
  admission,
  cache,
}: Parts): Promise<Omit<SharedState, 'advice'>> {
  const images = await driver.images()
  return {
    readers: readers.size,
    pool: pool.figures,
    flights: flights.size,
    running: admission.running,
    waiting: admission.waiting,
    images: images.length,
    imageBytes: images.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0),
    cache: await cacheState(cache),
  }
}
