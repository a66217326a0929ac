import type { Engine, RequestOptions } from '../engine/contract.ts'
import type { Doors } from './doors.ts'
import { progressLine } from './progress.ts'
import { write, writeText, type Terminal } from './terminal.ts'

/** What every command is given; `exitWith` is the only thing it may change. */
export interface Session {
  readonly doors: Doors
  readonly terminal: Terminal
  readonly signal: AbortSignal
  exitWith(code: number): void
}

/** What `--json` prints: one line, the same object as the library's answer. */
interface JsonAnswer {
  readonly value: unknown
  readonly receipt: unknown
}

/** Brackets a use of the engine: opened late, closed always, progress shown meanwhile. */
export async function withEngine<T>(
  session: Session,
  { isJson }: { isJson: boolean },
  fn: (engine: Engine, options: RequestOptions) => Promise<T>,
): Promise<T> {
  const { doors, terminal, signal } = session
  signal.throwIfAborted()
  const line = progressLine(terminal.stderr, { isQuiet: isJson })
  const { gitAuthorization } = doors
  const engine = await doors.engine()
  try {
    return await fn(engine, {
      signal,
      onProgress: (progress) => line.show(progress),
      ...(gitAuthorization === undefined ? {} : { gitAuthorization }),
    })
  } finally {
    line.clear()
    await engine.close()
  }
}

export async function printJson({ terminal }: Session, { value, receipt }: JsonAnswer): Promise<void> {
  await write(terminal.stdout, `${JSON.stringify({ value, receipt })}\n`)
}

/** The answer for people; what they should beware of goes to the other stream. */
export async function printPlain({ terminal }: Session, text: string, warnings: readonly string[] = []): Promise<void> {
  await writeText(terminal.stdout, text)
  for (const warning of warnings) await writeText(terminal.stderr, `forkyard: warning: ${warning}`)
}
