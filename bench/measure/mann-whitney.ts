/**
 * The two-sided p-value of the Mann-Whitney U test: how likely samples that differ so much in rank are where both come
 * from one distribution. By the normal approximation, with corrections for ties and continuity.
 */
export function mannWhitneyP(a: readonly number[], b: readonly number[]): number {
  const [n, m] = [a.length, b.length]
  const all = [...a, ...b].toSorted((x, y) => x - y)
  const rankOf = new Map<number, number>()
  let tied = 0
  for (let first = 0; first < all.length;) {
    const value = all[first] ?? 0
    let next = first
    while (next < all.length && all[next] === value) next += 1
    const size = next - first
    rankOf.set(value, (first + 1 + next) / 2)
    tied += size ** 3 - size
    first = next
  }
  const ranks = a.reduce((sum, value) => sum + (rankOf.get(value) ?? 0), 0)
  const u = ranks - (n * (n + 1)) / 2
  const total = n + m
  const variance = ((n * m) / 12) * (total + 1 - tied / (total * (total - 1)))
  if (variance <= 0) return 1
  const z = Math.max(0, Math.abs(u - (n * m) / 2) - 0.5) / Math.sqrt(variance)
  return Math.min(1, 2 * upperTail(z))
}

/** The share of a normal distribution above `z` (Abramowitz and Stegun, 7.1.26; off by less than 1e-7). */
function upperTail(z: number): number {
  const x = z / Math.SQRT2
  const t = 1 / (1 + 0.3275911 * x)
  const series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
  return (series * Math.exp(-x * x)) / 2
}
