import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { scratchPlace } from './scratch-place.ts'

const built = new Map<string, Promise<{ readonly copy: string; readonly value: unknown }>>()
const numbers = new WeakMap<object, number>()
let count = 0

/** Builds a directory the first time in this process, and copies what that made from then on: a copy needs no git. */
export async function builtOnce<T>(key: string, dir: string, build: (dir: string) => Promise<T>): Promise<T> {
  const known = built.get(key)
  if (known !== undefined) {
    const { copy, value } = await known
    cpSync(copy, dir, { recursive: true })
    return value as T
  }
  const building = build(dir).then((value) => {
    const copy = mkdtempSync(join(scratchPlace, 'forkyard-built-'))
    process.once('exit', () => rmSync(copy, { recursive: true, force: true }))
    cpSync(dir, copy, { recursive: true })
    return { copy, value }
  })
  built.set(key, building)
  return (await building).value
}

/** A key for what a function builds: the same for the same function. */
export function keyOf(build: object): string {
  const number = numbers.get(build) ?? ++count
  numbers.set(build, number)
  return `function ${number}`
}
