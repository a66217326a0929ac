import { finishOk, type Command, type Running } from '../core/exec.ts'
import type { Sandbox, SandboxDriver, SandboxSpec } from '../sandbox/contract.ts'
import { tarEnd, tarEntries, type TarEntry } from './tar.ts'

/** Where a working copy lies in every sandbox; indexes are only clean at the path they were made at. */
export const WORKSPACE = '/workspace'

export interface PlaceOptions {
  readonly signal: AbortSignal
  readonly deadlineMs: number
}

/** Makes a sandbox, lends it to `use`, and destroys it whatever happens. */
export async function withSandbox<T>(
  driver: SandboxDriver,
  spec: SandboxSpec,
  use: (sandbox: Sandbox) => Promise<T>,
  { signal }: { signal: AbortSignal },
): Promise<T> {
  const sandbox = await driver.create(spec, { signal })
  try {
    return await use(sandbox)
  } finally {
    await sandbox.destroy()
  }
}

/** Most that a program of ours says: whoever works in a sandbox has a say in what is read there. */
export const MAX_SAID_BYTES = 64 * 1024 ** 2

/** Starts a program of ours, at the working copy unless told otherwise, with a bare environment. */
export function start(
  sandbox: Sandbox,
  argv: readonly string[],
  options: PlaceOptions & Partial<Pick<Command, 'cwd' | 'env' | 'stdin' | 'maxOutputBytes'>>,
): Running {
  return sandbox.exec({
    cwd: WORKSPACE,
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
    maxOutputBytes: MAX_SAID_BYTES,
    ...options,
    argv,
  })
}

/** Unpacks our own files, and then what `more` brings as tar, into a sandbox. */
export async function unpack(
  sandbox: Sandbox,
  entries: readonly TarEntry[],
  more: AsyncIterable<Uint8Array> | null,
  options: PlaceOptions,
): Promise<void> {
  if (entries.length === 0 && more === null) return
  const stdin = archive(entries, more)
  await finishOk(start(sandbox, ['tar', '-xf', '-', '--no-same-owner'], { ...options, stdin }), 'unpack files')
}

/** Where a new end of the history waits until all that it needs is there. */
export const NEW_SHALLOW = '.git/forkyard-shallow'

/**
 * Lets the history end where `NEW_SHALLOW` says, in one step that git sees whole; resolves with whether it now goes back
 * to its beginnings.
 */
export async function renewHistory(sandbox: Sandbox, options: PlaceOptions): Promise<boolean> {
  const { stdout } = await finishOk(start(sandbox, ['/bin/sh', '-c', RENEW], options), 'renew the history')
  return stdout.toString() === 'whole\n'
}

const RENEW = `
if [ -s ${NEW_SHALLOW} ]; then exec mv -T ${NEW_SHALLOW} .git/shallow; fi
rm -f .git/shallow ${NEW_SHALLOW} && echo whole
`

async function* archive(
  entries: readonly TarEntry[],
  more: AsyncIterable<Uint8Array> | null,
): AsyncGenerator<Uint8Array> {
  yield tarEntries(entries)
  if (more === null) yield tarEnd
  else yield* more
}
