import type { SandboxDriver } from '../sandbox/contract.ts'

/** Which repositories are in use, so that nothing of them is removed. */
export interface Holds {
  /** Holds a repository until the returned function is called. */
  hold(repo: string): () => void
  /** Whether this process has it in use this moment. */
  has(repo: string): boolean
  /** All in use, also by other processes, of those that have images. */
  all(images: ReadonlyMap<string, readonly string[]>): Promise<ReadonlySet<string>>
}

/** `inUse` names what this process has in use beyond what is held. */
export function repositoryHolds(driver: Pick<SandboxDriver, 'sandboxes'>, inUse: () => Iterable<string>): Holds {
  const holds = new Map<string, number>()

  async function imagesOfOthers(): Promise<ReadonlySet<string>> {
    const found = new Set<string>()
    for await (const { image, isOurs, isAlive, metadata } of driver.sandboxes())
      if (image !== null && isAlive && !isOurs && !isPassing(metadata['role'])) found.add(image)
    return found
  }

  return {
    hold(repo) {
      holds.set(repo, (holds.get(repo) ?? 0) + 1)
      let isHeld = true
      return () => {
        if (!isHeld) return
        isHeld = false
        const left = (holds.get(repo) ?? 1) - 1
        if (left > 0) holds.set(repo, left)
        else holds.delete(repo)
      }
    },

    has: (repo) => holds.has(repo) || [...inUse()].includes(repo),

    async all(images) {
      const others = await imagesOfOthers()
      const theirs = [...images].filter(([, ids]) => ids.some((id) => others.has(id))).map(([repo]) => repo)
      return new Set([...holds.keys(), ...inUse(), ...theirs])
    },
  }
}

/** Roles of sandboxes whose image may go: the next question gets another one. */
function isPassing(role: string | undefined): boolean {
  return role === 'reader' || role === 'probe' || role === 'pool'
}
