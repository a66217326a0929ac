import { pauseMs } from '../core/back-off.ts'
import type { Sandbox, SandboxSpec, Spare } from '../sandbox/contract.ts'
import { asked, smoothed, type Kind } from './pool-size.ts'

/** One that waits; `since` in milliseconds. */
export interface Waiting {
  readonly spare: Spare
  readonly since: number
}

/** What waits of one kind of sandbox. */
export interface Shelf extends Kind {
  readonly spec: SandboxSpec
  /** Those that wait, and those that are being made. */
  readonly size: number
  readonly waiting: readonly Waiting[]
  /** Until when none is made in advance, because making some failed; `-Infinity` where none did. */
  readonly quietUntil: number
  ask(now: number): void
  /** One that waits, made a sandbox in use; `null` where none can be. */
  lend(metadata: SandboxSpec['metadata']): Sandbox | null
  /** Counts one that is being made, until it is added or has failed. */
  begin(): void
  add(one: Waiting, tookMs: number): void
  fail(now: number): void
  /** Gives up those of which this is true, the oldest first. */
  giveUp(isChosen: (one: Waiting) => boolean): void
}

/** What a sandbox is made of; neither what is noted about it nor what its programs are given. */
export function keyOf({ image, upper, network, limits }: SandboxSpec): string {
  const { diskBytes, inodes, memoryBytes, processes, cpus } = limits
  return JSON.stringify([image, upper, network, diskBytes, inodes, memoryBytes, processes, cpus])
}

interface ShelfStart {
  readonly spec: SandboxSpec
  readonly now: number
  /** Ends one that nobody took. */
  readonly discard: (one: Waiting) => void
}

/** An empty shelf for a kind that is asked for now. */
export function shelf({ spec, now, discard }: ShelfStart): Shelf {
  let demand = asked(null, now)
  let refillMs: number | null = null
  // The oldest first.
  let waiting: readonly Waiting[] = []
  let starting = 0
  let failures = 0
  let quietUntil = -Infinity

  function giveUp(isChosen: (one: Waiting) => boolean): void {
    for (const one of waiting) {
      if (!isChosen(one)) continue
      waiting = waiting.filter((other) => other !== one)
      discard(one)
    }
  }

  return {
    spec,
    // An image may have been looked at once and never again; what one new repository needs, the next one needs too.
    isWantedAtOnce: spec.image === null,
    get demand() {
      return demand
    },
    get refillMs() {
      return refillMs
    },
    get size() {
      return waiting.length + starting
    },
    get waiting() {
      return waiting
    },
    get quietUntil() {
      return quietUntil
    },
    ask(at) {
      demand = asked(demand, at)
    },
    lend(metadata) {
      giveUp(({ spare }) => !spare.isAlive)
      // Those in memory are worth more, while there is room for what they will hold.
      for (const one of waiting.toSorted(memoryFirst)) {
        const sandbox = one.spare.lend(metadata)
        if (sandbox === null) continue
        waiting = waiting.filter((other) => other !== one)
        return sandbox
      }
      return null
    },
    begin: () => void (starting += 1),
    add(one, tookMs) {
      starting -= 1
      failures = 0
      refillMs = smoothed(refillMs, tookMs)
      waiting = [...waiting, one]
    },
    fail(at) {
      starting -= 1
      failures += 1
      quietUntil = at + pauseMs(failures + 1)
    },
    giveUp,
  }
}

function memoryFirst(a: Waiting, b: Waiting): number {
  return Number(a.spare.upper === 'disk') - Number(b.spare.upper === 'disk')
}
