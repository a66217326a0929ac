import { milliseconds, percent } from './report.ts'
import { summarise, type Sample } from './sides.ts'

/** One thing, measured before and after. */
export interface Line {
  readonly name: string
  readonly before: readonly Sample[]
  readonly after: readonly Sample[]
}

/** What each line, and all in sum, are to save at least, from 0 to 1. */
interface Aims {
  readonly each: number
  readonly total: number
}

/** Lines, or several in sum, as a row of a table. */
export function savingRow(name: string, lines: readonly Line[]): readonly string[] {
  return [name, milliseconds(sum(lines, 'before')), milliseconds(sum(lines, 'after')), percent(saved(lines))]
}

/** Every line of `lines` that saves too little, and `total` in sum if it does; a sentence each. */
export function shortfalls(lines: readonly Line[], total: readonly Line[], aims: Aims): readonly string[] {
  const measured = [
    ...lines.map((line) => ({ name: line.name, part: saved([line]), aim: aims.each })),
    { name: 'in total', part: saved(total), aim: aims.total },
  ]
  return measured
    .filter(({ part, aim }) => !(part >= aim))
    .map(({ name, part, aim }) => `${name}: ${percent(part)} less, not ${percent(aim)}`)
}

/** By how much the sum of medians is less than before. */
function saved(lines: readonly Line[]): number {
  return 1 - sum(lines, 'after') / sum(lines, 'before')
}

function sum(lines: readonly Line[], side: 'before' | 'after'): number {
  return lines.reduce((all, line) => all + summarise(line[side]).p50, 0)
}
