import { readFileSync, readdirSync } from 'node:fs'

/** The bit of close-on-exec among the flags in /proc/self/fdinfo. */
const CLOSE_ON_EXEC = 0o2000000

/**
 * Whether a descriptor beyond the first three would be inherited by what this process starts. Node opens its own
 * close-on-exec; only whoever started Node can have left one, and it may be a door out of every sandbox.
 */
export function hasInheritableDescriptors(): boolean {
  return readdirSync('/proc/self/fdinfo').some((name) => Number(name) > 2 && isInheritable(name))
}

function isInheritable(descriptor: string): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8'))?.[1]
    return flags === undefined || (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) === 0
  } catch (error) {
    // The one that listed the directory is closed by now.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}
