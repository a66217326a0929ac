import type { Background } from './background.ts'
import { cacheState } from './cache-state.ts'
import type { CallerOptions, EngineState } from './contract.ts'
import { figuresOf } from './figures.ts'
import type { Parts } from './parts.ts'

/** What an engine holds and does now, in figures; of others than the caller only to an operator. */
export async function stateOf(parts: Parts, advisor: Advisor, { caller }: CallerOptions): Promise<EngineState> {
  const { driver, gitVersion, leases, cache } = parts
  const isOneOfMany = caller?.isOperator === false
  const open = leases.all(isOneOfMany ? caller : undefined)
  const { workspaces: _, programs: __, ...shared } = await figuresOf(parts)
  return {
    driver: driver.name,
    gitVersion,
    workspaces: open.length,
    programs: open.reduce((sum, { programs }) => sum + programs, 0),
    shared: isOneOfMany ? null : { ...shared, cache: await cacheState(cache), advice: await advisor.advice() },
  }
}

/** What looks at figures in an operator's place. */
type Advisor = Pick<Background, 'advice'>
