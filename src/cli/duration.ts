import { InvalidArgumentError } from 'commander'

const unitsMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const

/** `90s`, `30m` or `1h` in milliseconds. */
export function parseDuration(text: string): number {
  const [, amount, unit] = /^(\d{1,12}(?:\.\d{1,3})?)(ms|s|m|h)$/.exec(text) ?? []
  if (amount === undefined || unit === undefined)
    throw new InvalidArgumentError('It is not a time such as 90s, 30m or 1h.')
  return Math.round(Number(amount) * unitsMs[unit as keyof typeof unitsMs])
}
