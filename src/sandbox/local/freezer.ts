import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { AppError } from '../../core/errors.ts'
import type { Standing } from './stillness.ts'

/** How often and how long it is looked whether everything stands still. */
const POLL_MS = 1
const MAX_POLLS = 5000

/**
 * Stops what is in a control group of version 2, unnoticeably. That is also the holder, which cannot end a command
 * meanwhile: whoever ends one is obeyed when all go on.
 */
export function freezer(directory: string): Standing {
  const isFrozen = (): boolean => /^frozen 1$/m.test(readFileSync(`${directory}/cgroup.events`, 'utf8'))
  return {
    async standStill() {
      writeFileSync(`${directory}/cgroup.freeze`, '1')
      for (let poll = 0; poll < MAX_POLLS; poll += 1) {
        if (isFrozen()) return
        await pause(POLL_MS)
      }
      throw new AppError('sandbox_failed', 'Cannot fork a sandbox: its programs do not stand still')
    },
    // What is frozen runs for nobody.
    checkStill: async () => {},
    goOn: () => writeFileSync(`${directory}/cgroup.freeze`, '0'),
  }
}
