import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))
const readme = readFileSync(`${root}README.md`, 'utf8')

/** The README's blocks of a language, in their order. */
export function readmeBlocks(language: 'sh' | 'bash' | 'ts'): readonly string[] {
  return [...readme.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 'gs'))].map(([, block = '']) => block)
}

/** A shell line that runs a program of the README, and then prints what it found as JSON. */
export function playing(program: string): string {
  const source = program.replace("'forkyard'", JSON.stringify(`file://${root}src/index.ts`))
  const shown = `${source}\nconsole.log(JSON.stringify({ value, receipt }))`
  return `exec ${process.execPath} --input-type=module -e '${shown.replaceAll("'", `'\\''`)}'`
}
