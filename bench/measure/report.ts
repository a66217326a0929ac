import { execFileSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { cpus, release, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import { gitEnvironment } from './process.ts'
import { summarise, type Measured } from './sides.ts'

/** The sides of one comparison as lines of a table; ratios are to the side called `base`. */
export function comparisonRows(title: string, measured: readonly Measured[], base: string): readonly string[][] {
  const baseMs = summarise(measured.find(({ name }) => name === base)?.samples ?? []).p50
  return measured.map(({ name, samples }) => {
    const { p50, p95, min, max } = summarise(samples)
    const bytes = samples.at(-1)?.bytes ?? null
    const disk = bytes === null ? '' : `${(bytes / 1e6).toFixed(1)} MB`
    return [title, name, ...[p50, p95, min, max].map(milliseconds), `${(p50 / baseMs).toFixed(3)}x`, disk]
  })
}

export const comparisonHead: readonly string[] = ['what', 'side', 'p50', 'p95', 'min', 'max', 'ratio', 'disk']

/** Rows below a head, columns padded. */
export function textTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length))) ?? []
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  return `${lines.join('\n')}\n`
}

/** Keeps every single sample, with the machine and commit they were taken on; gives the file's path. */
export async function saveResults(scenario: string, results: unknown): Promise<string> {
  const directory = new URL('../results/', import.meta.url)
  await mkdir(directory, { recursive: true })
  const at = new Date().toISOString()
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cpus: cpus().length,
    memoryBytes: totalmem(),
    kernel: release(),
    node: process.version,
    git: said(['--version']),
    commit: said(['-C', fileURLToPath(new URL('../..', import.meta.url)), 'rev-parse', 'HEAD']),
  }
  const path = fileURLToPath(new URL(`${scenario}-${at.replaceAll(':', '')}.json`, directory))
  await writeFile(path, `${JSON.stringify({ scenario, at, machine, results }, null, 2)}\n`)
  return path
}

function said(args: readonly string[]): string {
  return execFileSync('git', ['-c', 'safe.directory=*', ...args], { env: gitEnvironment, encoding: 'utf8' }).trim()
}

/** Milliseconds with as many digits as tell something. */
export function milliseconds(ms: number): string {
  if (ms >= 10_000) return `${(ms / 1000).toFixed(1)} s`
  return `${ms.toFixed(ms < 0.1 ? 3 : ms < 100 ? 1 : 0)} ms`
}

/** A part of one in percent. */
export function percent(part: number): string {
  return `${(100 * part).toFixed(1)} %`
}
