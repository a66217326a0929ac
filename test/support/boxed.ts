import { spawn } from 'node:child_process'
import type { Writable } from 'node:stream'
import { buffer } from 'node:stream/consumers'

/** The user that tests of the sandbox run as: never the host's root. */
export const unprivileged = process.getuid?.() === 0 ? { uid: 65533, gid: 65533 } : {}

export interface Boxed {
  readonly argv: readonly string[]
  readonly filter?: Buffer
  readonly input?: string | Buffer
  readonly arguments?: readonly string[]
}

export interface BoxedResult {
  readonly code: number | null
  readonly stdout: Buffer
  readonly stderr: string
}

/** Runs a program in the namespaces of a bare bubblewrap sandbox, under the filter where one is given. */
export async function runBoxed({ argv, filter, input = '', arguments: more = [] }: Boxed): Promise<BoxedResult> {
  const child = spawn(
    'bwrap',
    [
      ...['--unshare-user', '--unshare-pid', '--unshare-net', '--unshare-ipc', '--uid', '1000', '--gid', '1000'],
      ...['--cap-drop', 'ALL', '--die-with-parent', '--new-session', '--ro-bind', '/usr', '/usr'],
      ...['--symlink', 'usr/bin', '/bin', '--symlink', 'usr/lib', '/lib', '--symlink', 'usr/lib64', '/lib64'],
      ...['--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp', '--chdir', '/tmp', ...more],
      ...(filter ? ['--seccomp', '3'] : []),
      ...['--', ...argv],
    ],
    { ...unprivileged, cwd: '/', env: { PATH: '/usr/bin', HOME: '/tmp' }, stdio: ['pipe', 'pipe', 'pipe', 'pipe'] },
  )
  const exit = new Promise<number | null>((resolve, reject) => child.on('error', reject).on('exit', resolve))
  const filterPipe = child.stdio[3] as Writable
  filterPipe.on('error', () => {})
  filterPipe.end(filter ?? Buffer.alloc(0))
  const stdin = child.stdin
  // A program that ends before it has read its input is no fault of the test's own.
  stdin.on('error', () => {})
  stdin.end(input)
  const [code, stdout, stderr] = await Promise.all([exit, buffer(child.stdout), buffer(child.stderr)])
  return { code, stdout, stderr: stderr.toString() }
}
