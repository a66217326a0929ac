import { random } from '../generate/random.ts'

/** Requests for repositories in the order of time; repositories are numbers. */
export interface Workload {
  readonly name: string
  readonly repositories: number
  /** When each request arrives, in milliseconds from the start. */
  readonly at: Float64Array
  /** Which repository it asks for. */
  readonly repository: Uint32Array
}

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Independent references: each request asks for a repository by its rank, whatever was asked before. */
export function independent(repositories: number, exponent: number, hours: number): Workload {
  const { fraction } = source(repositories)
  const rank = zipf(repositories, exponent)
  const requests = arrivals(fraction, hours * HOUR, SECOND).map((at) => ({ at, repository: rank(fraction()) }))
  return workload(`independent, Zipf ${exponent.toFixed(1)}`, repositories, requests)
}

/**
 * Working days: twenty teams in three time zones, each busy for nine hours. Half of what a team asks for are the five
 * repositories it is at in this hour, the rest follows its own Zipf ranking, of which a fifth changes every day.
 */
export function workingDays(repositories: number, days: number): Workload {
  const { below, fraction } = source(2)
  const size = Math.floor(repositories / 20)
  const rank = zipf(size, 1)
  const requests: Request[] = []
  for (let team = 0; team < 20; team += 1) {
    const order = shuffled(size, below)
    for (let day = 0; day < days; day += 1) {
      for (let swap = 0; swap < size / 5; swap += 1) exchange(order, below(size), below(size))
      for (let hour = 0; hour < 24; hour += 1) {
        const current = Array.from({ length: 5 }, () => below(size))
        const isWorking = (hour + 8 * (team % 3)) % 24 < 9
        const start = day * DAY + hour * HOUR
        for (const at of arrivals(fraction, HOUR, (isWorking ? 8 : 200) * SECOND)) {
          const own = below(2) === 0 ? current[below(5)] : order[rank(fraction())]
          requests.push({ at: start + at, repository: team * size + (own ?? 0) })
        }
      }
    }
  }
  return workload('working days', repositories, requests)
}

/** Deploy storms: about once an hour five repositories of any rank are asked for ten times a second, for five minutes. */
export function deployStorms(repositories: number, hours: number): Workload {
  const { below, fraction } = source(3)
  const rank = zipf(repositories, 1)
  const requests = arrivals(fraction, hours * HOUR, 2 * SECOND).map((at) => ({ at, repository: rank(fraction()) }))
  for (const start of arrivals(fraction, hours * HOUR, HOUR)) {
    const stormed = Array.from({ length: 5 }, () => below(repositories))
    for (const at of arrivals(fraction, 5 * MINUTE, SECOND / 10)) {
      requests.push({ at: start + at, repository: stormed[below(5)] ?? 0 })
    }
  }
  return workload('deploy storms', repositories, requests)
}

/** One-shot scans: beside independent references a crawler goes through everything once every six hours, two a second. */
export function scans(repositories: number, hours: number): Workload {
  const { below, fraction } = source(4)
  const rank = zipf(repositories, 1)
  const requests = arrivals(fraction, hours * HOUR, SECOND).map((at) => ({ at, repository: rank(fraction()) }))
  for (let start = 3 * HOUR; start < hours * HOUR; start += 6 * HOUR) {
    for (const [place, repository] of shuffled(repositories, below).entries()) {
      requests.push({ at: start + (place * SECOND) / 2, repository })
    }
  }
  return workload('one-shot scans', repositories, requests)
}

/** Sessions: one repository is opened 50 times in 10 minutes, then left; `meanGapMs` is how often a session starts. */
export function sessions(repositories: number, hours: number, exponent: number, meanGapMs: number): Workload {
  const { fraction } = source(5)
  const rank = zipf(repositories, exponent)
  const requests = arrivals(fraction, hours * HOUR, meanGapMs).flatMap((start) => {
    const repository = rank(fraction())
    return Array.from({ length: 50 }, () => ({ at: start + fraction() * 10 * MINUTE, repository }))
  })
  return workload(exponent === 0 ? 'sessions anywhere' : 'sessions', repositories, requests)
}

/** Moving work: every hour another sixth of the repositories, all alike, and none of the others. */
export function movingWork(repositories: number, hours: number): Workload {
  const { below, fraction } = source(6)
  const size = Math.floor(repositories / 6)
  const requests: Request[] = []
  for (let hour = 0; hour < hours; hour += 1) {
    const order = shuffled(repositories, below)
    for (const at of arrivals(fraction, HOUR, SECOND)) {
      requests.push({ at: hour * HOUR + at, repository: order[below(size)] ?? 0 })
    }
  }
  return workload('moving work', repositories, requests)
}

interface Request {
  readonly at: number
  readonly repository: number
}

function workload(name: string, repositories: number, requests: Request[]): Workload {
  const sorted = requests.toSorted((one, other) => one.at - other.at)
  return {
    name,
    repositories,
    at: Float64Array.from(sorted, ({ at }) => at),
    repository: Uint32Array.from(sorted, ({ repository }) => repository),
  }
}

function source(seed: number): { below: (end: number) => number; fraction: () => number } {
  const numbers = random(seed)
  return { below: (end) => numbers.below(end), fraction: () => numbers.below(2 ** 32) / 2 ** 32 }
}

/** Moments at which something happens that happens at random, once in `meanGapMs`. */
function arrivals(fraction: () => number, durationMs: number, meanGapMs: number): number[] {
  const moments: number[] = []
  for (let at = gap(); at < durationMs; at += gap()) moments.push(at)
  return moments

  function gap(): number {
    return -Math.log(1 - fraction()) * meanGapMs
  }
}

/** From a fraction to a rank: the n-th is asked for in proportion to 1/n^exponent. */
export function zipf(count: number, exponent: number): (fraction: number) => number {
  const sums = new Float64Array(count)
  let sum = 0
  for (let rank = 0; rank < count; rank += 1) sums[rank] = sum += 1 / (rank + 1) ** exponent
  return (fraction) => {
    let low = 0
    let high = count - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if ((sums[middle] ?? 0) < fraction * sum) low = middle + 1
      else high = middle
    }
    return low
  }
}

function shuffled(count: number, below: (end: number) => number): number[] {
  const order = Array.from({ length: count }, (_, index) => index)
  for (let index = count - 1; index > 0; index -= 1) exchange(order, index, below(index + 1))
  return order
}

function exchange(order: number[], one: number, other: number): void {
  const kept = order[one] ?? 0
  order[one] = order[other] ?? 0
  order[other] = kept
}
