import { readFile, stat } from 'node:fs/promises'
import type { z } from 'zod'
import type { Clock } from '../core/clock.ts'
import { AppError } from '../core/errors.ts'

/** What a file of settings says now; a changed file is seen without a restart. */
export interface FollowedFile<Value> {
  current(): Promise<Value>
  /** What is wrong with the file now; what was read before stays in force. */
  readonly trouble: string | null
}

interface Followed<Value> {
  readonly path: string
  /** What people call the file. */
  readonly name: string
  readonly schema: z.ZodType<Value>
  readonly clock: Clock
}

/** How often the file is looked at, at most. */
const LOOK_MS = 1000

/** Reads a JSON file that holds secrets, of which no error tells anything; throws `settings_invalid`. */
export async function followedFile<Value>({
  path,
  name,
  schema,
  clock,
}: Followed<Value>): Promise<FollowedFile<Value>> {
  let known = await read()
  let lookedAt = clock.monotonic()
  let trouble: string | null = null
  let looking: Promise<void> | null = null

  async function look(): Promise<void> {
    try {
      if ((await versionOf()) !== known.version) known = await read()
      trouble = null
    } catch (error) {
      trouble = error instanceof AppError ? error.message : `Cannot read the ${name}`
    }
  }

  async function read(): Promise<{ readonly version: string; readonly value: Value }> {
    // Before the contents: what changes meanwhile is read at the next look.
    const version = await versionOf()
    return { version, value: parse(await readFile(path, 'utf8').catch(unreadable)) }
  }

  async function versionOf(): Promise<string> {
    const { mtimeMs, size, ino } = await stat(path).catch(unreadable)
    return `${ino} ${size} ${mtimeMs}`
  }

  function parse(text: string): Value {
    const parsed = schema.safeParse(parseJson(text))
    if (parsed.success) return parsed.data
    // Only where and which rule: a secret may stand anywhere.
    const issues = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.code}`)
    throw new AppError('settings_invalid', `Cannot use the ${name}: ${issues[0]}`, { details: { path, issues } })
  }

  function unreadable(cause: unknown): never {
    throw new AppError('settings_invalid', `Cannot read the ${name}`, { cause })
  }

  return {
    async current() {
      if (clock.monotonic() - lookedAt >= LOOK_MS) {
        lookedAt = clock.monotonic()
        looking = look().finally(() => (looking = null))
      }
      await looking
      return known.value
    },
    get trouble() {
      return trouble
    },
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
