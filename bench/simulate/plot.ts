import { shares, type Line } from './lines.ts'

const width = 640
const height = 360
const left = 56
const right = 150
const top = 24
const bottom = 48
/** The lowest and highest hit rate shown, in percent. */
const from = 50
const to = 100

const policies = [
  { name: 'optimum', field: 'optimum', dash: '6 4' },
  { name: 'forkyard', field: 'forkyard', dash: 'none' },
  { name: 'LRU', field: 'lru', dash: '2 3' },
  { name: 'LRU, 1 h', field: 'lruTtl', dash: '8 3 2 3' },
] as const

/** Hit rate against budget as SVG, one curve a policy. */
export function plot(lines: readonly Line[], title: string): string {
  const labels = labelPlaces(lines)
  const grid = [50, 60, 70, 80, 90, 100].map(
    (percent) =>
      `<path class="grid" d="M${left} ${y(percent)}H${width - right}"/><text x="${left - 8}" y="${y(percent) + 4}" text-anchor="end">${percent} %</text>`,
  )
  const ticks = shares.map(
    (share) => `<text x="${x(share)}" y="${height - bottom + 20}" text-anchor="middle">${share * 100} %</text>`,
  )
  const curves = policies.map(({ name, field, dash }, index) => {
    const points = lines.map((line) => `${x(line.share)} ${y(100 * line[field])}`)
    const dots = lines.map(
      (line) => `<circle class="p${index}" cx="${x(line.share)}" cy="${y(100 * line[field])}" r="3"/>`,
    )
    return `<path class="curve c${index}" stroke-dasharray="${dash}" d="M${points.join('L')}"/>${dots.join('')}<text class="p${index}" x="${width - right + 12}" y="${labels[index]}">${name}</text>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">
<title>${title}</title>
<style>
text { font: 13px sans-serif; fill: #6e6e6e } .grid { stroke: #8884 } .curve { fill: none; stroke-width: 2 }
${rules(['#666', '#0a58ca', '#b35900', '#7a3fa0'])}
@media (prefers-color-scheme: dark) { text { fill: #ccc } ${rules(['#aaa', '#6ea8fe', '#ffb366', '#cf9df0'])} }
</style>
${[...grid, ...ticks, ...curves].join('\n')}
<text x="${(left + width - right) / 2}" y="${height - 8}" text-anchor="middle">budget, of all repositories</text>
</svg>
`
}

/** Where the names of the curves stand: beside their ends, but never upon each other. */
function labelPlaces(lines: readonly Line[]): readonly number[] {
  const last = lines.at(-1)
  let below = -Infinity
  return policies.map(({ field }) => {
    below = Math.max(below + 16, y(100 * (last?.[field] ?? 0)) + 4)
    return below
  })
}

function rules(colours: readonly string[]): string {
  return colours.map((colour, index) => `.c${index} { stroke: ${colour} } .p${index} { fill: ${colour} }`).join(' ')
}

function x(share: number): number {
  return Math.round(left + 24 + ((share - 0.1) / 0.3) * (width - left - right - 36))
}

function y(percent: number): number {
  return Math.round(height - bottom - ((percent - from) / (to - from)) * (height - top - bottom))
}
