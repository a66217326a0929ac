import type { Needs } from '../git/operation.ts'
import type { Cost } from '../workspace/cost.ts'

/** Columns padded to their widest cell; the last one is left ragged. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** `1536` as "1.5 KiB". */
export function bytesText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  const amount = bytes / 1024 ** power
  return `${power === 0 || amount >= 100 ? Math.round(amount) : amount.toFixed(1)} ${units[power]}`
}

/** "history 20, trees none, blobs none, worktree none". */
export function needsText({ history, trees, blobs, worktree, refs }: Needs): string {
  const tags = refs === 'tags' ? ', all tags' : ''
  return `history ${history}, trees ${trees}, blobs ${blobs}, worktree ${worktree}${tags}`
}

/** "about 60 ms, 12.0 KiB (estimated)". */
export function costText({ ms, bytes, basis }: Cost): string {
  return `about ${Math.round(ms)} ms, ${bytesText(bytes)} (${basis})`
}
