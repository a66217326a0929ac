import { constants } from 'node:os'
import type { Readable, Writable } from 'node:stream'
import { asCanceled } from '../../core/deadline.ts'
import { AppError } from '../../core/errors.ts'
import { headAndTail } from '../../core/exec.ts'
import { span } from '../../core/spans.ts'
import type { Launch } from './launcher-conversation.ts'
import { WRITTEN } from './mount-plan.ts'
import { ignoreClosedPipe, writable } from './pipe.ts'
import { shownTail } from './said.ts'
import type { LocalSandbox } from './sandbox.ts'

interface Place {
  readonly stateDir: string
  readonly signal: AbortSignal
}

/** A tar that unpacks in a fork, before an overlay looks at what it writes. */
interface Writer {
  /** Hands over bytes at the pace of the tar. Throws why it ended early. */
  write(chunk: Uint8Array): Promise<void>
  /** Says that these were all, and waits until they are unpacked. Throws the limit of the fork that was reached, if one was. */
  finish(): Promise<void>
  close(): void
}

/** Copies all that one sandbox has written into forks that no command can see yet; its programs stand still meanwhile. */
export async function copyWritten(source: LocalSandbox, forks: readonly LocalSandbox[], place: Place): Promise<void> {
  const started = await Promise.allSettled(forks.map((fork) => startWriter(fork, place)))
  const writers = started.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []))
  try {
    const failed = started.find((start) => start.status === 'rejected')
    if (failed !== undefined) throw failed.reason
    const finishing = await source.holder.whileStill(() =>
      span('copy', { driver: 'local', count: forks.length }, async () => {
        await read(source, writers, place)
        return writers.map((writer) => writer.finish())
      }),
    )
    await Promise.all(finishing)
  } finally {
    for (const writer of writers) writer.close()
  }
}

/** Reads once for all writers. */
async function read(source: LocalSandbox, writers: readonly Writer[], { stateDir, signal }: Place): Promise<void> {
  const tar = await startTar(source.holder.visit(packing(stateDir, source.layers.length > 0)), signal)
  try {
    for await (const chunk of tar.stdout as AsyncIterable<Buffer>)
      await Promise.all(writers.map((writer) => writer.write(chunk)))
    const { code, said } = await tar.ended
    if (code !== 0) throw refused(source, said, stateDir)
  } finally {
    // Nothing of ours is in the sandbox when its programs go on.
    tar.kill()
    await tar.ended.catch(() => {})
  }
}

async function startWriter(fork: LocalSandbox, { stateDir, signal }: Place): Promise<Writer> {
  const { launcher } = fork.holder
  const order = { kind: 'tool', fields: unpacking(stateDir), hasInput: true, prepare: null } as const
  const tar = await startTar(launcher.start(order), signal)
  const stdin = tar.stdin as Writable
  stdin.on('error', ignoreClosedPipe)
  tar.stdout.resume()
  let limit: AppError | null = null
  const stopWatching = fork.limits.begin((error) => {
    limit = error
    tar.kill()
  })
  const done = tar.ended.finally(stopWatching).then(async ({ code, said }) => {
    if (code !== 0) throw limit ?? (await fork.limits.reached(code, null)) ?? refused(fork, said, stateDir)
  })
  done.catch(() => {
    // Told to whoever writes or finishes; after a failure nobody does.
  })
  return {
    async write(chunk) {
      if (!stdin.destroyed && !stdin.write(chunk)) await writable(stdin)
      if (stdin.destroyed) await done
    },
    finish() {
      stdin.end()
      return done
    },
    close: () => stdin.destroy(),
  }
}

interface Tar {
  readonly stdin: Writable | null
  readonly stdout: Readable
  /** Rejects with why it was given up. */
  readonly ended: Promise<{ readonly code: number; readonly said: string }>
  kill(): void
}

/** A tar that ends when it is given up. */
async function startTar(launch: Launch, signal: AbortSignal): Promise<Tar> {
  const kill = (): void => launch.signal('itself', constants.signals.SIGKILL)
  signal.addEventListener('abort', kill, { once: true })
  if (signal.aborted) kill()
  const gone = launch.ended.finally(() => signal.removeEventListener('abort', kill))
  gone.catch(() => {
    // Told by `started`, or below.
  })
  const { stdin, stdout, stderr } = await launch.started
  const ended = Promise.all([gone, headAndTail(stderr)]).then(([end, said]) => {
    if (signal.aborted) throw asCanceled(signal.reason)
    return { code: end.signal === 0 ? end.code : 128 + end.signal, said: said.toString() }
  })
  ended.catch(() => {
    // Told to whoever waits for it.
  })
  return { stdin, stdout, ended, kill }
}

/**
 * Times are whole, holes stay holes, and attributes are the user's own and the overlay's. With nothing below, an overlay
 * has nothing to say there, and a program that saw the upper itself may have written what only looks like it.
 */
function packing(stateDir: string, isStacked: boolean): readonly string[] {
  const format = ['--format=posix', '--pax-option=delete=atime,delete=ctime', '--sparse']
  const attributes = ['--xattrs-include=user.*', ...(isStacked ? [] : ['--xattrs-exclude=user.overlay.*'])]
  return ['tar', '-c', ...format, ...common, ...attributes, '-C', stateDir, '--', ...WRITTEN]
}

/** Never with -P: tar then makes links that lead elsewhere last, when nothing can be written through them any more. */
function unpacking(stateDir: string): readonly string[] {
  return ['tar', '-x', '-p', '--no-same-owner', ...common, '--xattrs-include=user.*', '-C', stateDir]
}

/** All files have one owner, whose name nobody needs to look up; a record is what a pipe holds. */
const common = ['--numeric-owner', '--blocking-factor=128', '--warning=no-file-ignored', '--xattrs']

function refused({ id }: LocalSandbox, said: string, stateDir: string): AppError {
  return new AppError('sandbox_failed', `Cannot fork a sandbox: the files of ${id} could not be copied`, {
    details: { stderr: shownTail(said, stateDir) },
  })
}
