/** Runs `use` while all programs of a sandbox stand still; they go on afterwards, whatever happens. Throws where one ran. */
export type Stillness = <T>(use: () => Promise<T>) => Promise<T>

/** What can stop the programs of a sandbox. */
export interface Standing {
  standStill(): Promise<void>
  /** Throws where something has run since they stood still; looks before it lets anything go on that is asked for later. */
  checkStill(): Promise<void>
  goOn(): void
}

/** Brackets that may overlap: the first stops the programs, and the last lets them go on. */
export function stillness(programs: Standing): Stillness {
  let users = 0
  let stopped: Promise<void> = Promise.resolve()
  return async (use) => {
    users += 1
    if (users === 1) stopped = programs.standStill()
    let checking: Promise<void> | undefined
    let value
    try {
      await stopped
      value = await use()
      checking = programs.checkStill()
    } finally {
      users -= 1
      if (users === 0) programs.goOn()
    }
    await checking
    return value
  }
}
