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

type Use<T> = (engine: Engine, options: RequestOptions) => Promise<T>

/** Brackets a use of the engine in this process: opened late, closed always, progress shown meanwhile. */
export function withEngine<T>(session: Session, options: { isJson: boolean }, use: Use<T>): Promise<T> {
  return bracket(session, () => session.doors.engine(), options, use)
}

/** The same for the engine of a server, where what was opened stays open. */
export function withServer<T>(session: Session, options: { isJson: boolean }, use: Use<T>): Promise<T> {
  return bracket(session, () => session.doors.server(), options, use)
}

async function bracket<T>(
  { doors, terminal, signal }: Session,
  open: () => Promise<Engine>,
  { isJson }: { isJson: boolean },
  use: Use<T>,
): Promise<T> {
  signal.throwIfAborted()
  const line = progressLine(terminal.stderr, { isQuiet: isJson })
  const { gitAuthorization } = doors
  const engine = await open()
  try {
    return await use(engine, {
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
