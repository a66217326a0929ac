/** What was measured, from which advice is given. */
export interface AdvisorFigures {
  /** Services on one state directory. */
  readonly instances: number
  /** Median time of making a sandbox lately, in milliseconds; `null` where too few were made. */
  readonly creationMs: number | null
  readonly cache: { readonly hits: number; readonly misses: number; readonly regrets: number }
  readonly pool: { readonly hits: number; readonly misses: number; readonly wastedIdleSeconds: number }
}

/** What an operator might change, and the figures that speak for it. */
export interface Advice {
  readonly rule: 'redis' | 'pool-size' | 'budget'
  readonly advice: string
}

/** Fewer answers than these prove nothing. */
const ENOUGH = 50

/** Making a sandbox costs more than asking Redis a hundred times over. */
const SLOW_CREATION_MS = 500
const HIGH_HIT_RATE = 0.8

/** Parts of takes or misses from which on a change pays. */
const MANY_POOL_MISSES = 0.2
const MANY_REGRETS = 0.1

/** Seconds that sandboxes waited for nothing, for each that was taken: past a minute most are never wanted. */
const WASTED_SECONDS_PER_HIT = 60

/** Advice from measured figures; none where nothing should be changed. */
export function advise({ instances, creationMs, cache, pool }: AdvisorFigures): readonly Advice[] {
  const advice: Advice[] = []
  const say = (rule: Advice['rule'], text: string): void => void advice.push({ rule, advice: text })
  const asked = cache.hits + cache.misses
  const hitRate = cache.hits / asked
  const isSlow = creationMs !== null && creationMs > SLOW_CREATION_MS
  if (instances > 1 && isSlow && asked >= ENOUGH && hitRate > HIGH_HIT_RATE) {
    const figures = `${instances} instances, ${Math.round(creationMs)} ms to make a sandbox, ${percent(hitRate)} hits`
    say('redis', `Let the instances share what they hold through Redis: ${figures}.`)
  }
  const takes = pool.hits + pool.misses
  if (takes >= ENOUGH && pool.misses / takes > MANY_POOL_MISSES)
    say(
      'pool-size',
      `Raise poolSize or poolMax: ${percent(pool.misses / takes)} of ${takes} takes found nothing ready.`,
    )
  else if (takes >= ENOUGH && pool.wastedIdleSeconds > WASTED_SECONDS_PER_HIT * pool.hits)
    say(
      'pool-size',
      `Lower poolSize: sandboxes waited ${Math.round(pool.wastedIdleSeconds)} s for nothing, ${pool.hits} were taken.`,
    )
  if (cache.misses >= ENOUGH && cache.regrets / cache.misses > MANY_REGRETS)
    say(
      'budget',
      `Give images more room (maxImageBytes, maxRepositories, or a larger disk): ${percent(cache.regrets / cache.misses)} of ${cache.misses} misses were for what had just been evicted.`,
    )
  return advice
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}
