import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { templateGitconfig } from '../../src/workspace/template.ts'
import { unprivileged } from './boxed.ts'

export interface Ran {
  readonly code: number | null
  readonly stdout: Buffer
  readonly stderr: string
}

/** Forks of layers in a mount namespace of their own, laid out at the paths that the fsmonitor hook knows. */
export interface OverlayForks {
  /** A fork of these layers, newest first, with an empty upper; it replaces the one before. */
  fork(stack: readonly string[]): Promise<void>
  /** Runs a shell script in /workspace as a command of the sandbox would run. */
  run(script: string | Buffer): Promise<Ran>
  /** The upper becomes a layer of this name, and what follows is a fork of it. */
  freeze(id: string): Promise<void>
  /** What follows is a fork that starts with a copy of the upper, as the fork of a live workspace does. */
  copyUpper(): Promise<void>
  close(): Promise<void>
}

const hook = join(import.meta.dirname, '../../src/sandbox/local/fsmonitor-hook.pl')

/** Mounted in the holder's namespace, so that all of it is gone when the holder is. */
const prepare = `set -e
mount -t tmpfs -o size=2g,mode=755 tmpfs "$1/mnt"
cd "$1/mnt"
mkdir layers empty merged
echo ready
read -r _ || :`

/** $1 is the mount point, $2 what to do with the old upper, $3 an id, and the rest the stack of the next fork. */
const nextFork = `set -e
cd "$1/mnt"
! mountpoint -q merged || umount merged
case "$2" in
drop) [ ! -e upper ] || { chmod -R u+rwX upper; rm -rf upper; } ;;
freeze) mv upper "layers/$3" ;;
copy) cp -a upper copy; rm -rf upper; mv copy upper ;;
esac
shift 3
mkdir -p upper; rm -rf work; mkdir work
: > stack; lower=
for id; do echo "$id" >> stack; lower="$lower\${lower:+:}layers/$id"; done
mount -t overlay -o "userxattr,index=off,xino=off,lowerdir=\${lower:-empty},upperdir=upper,workdir=work" overlay merged`

export async function openOverlayForks(): Promise<OverlayForks> {
  const base = await mkdtemp(join(tmpdir(), 'forkyard-overlay-'))
  await chmod(base, 0o755)
  await copyFile(hook, join(base, 'fsmonitor'))
  await chmod(join(base, 'fsmonitor'), 0o755)
  await writeFile(join(base, 'gitconfig'), templateGitconfig)
  await mkdir(join(base, 'mnt'))
  const holder = await hold(base)
  let stack: readonly string[] = []

  const refork = async (upper: 'drop' | 'freeze' | 'copy', next: readonly string[], id = ''): Promise<void> => {
    stack = next
    const { code, stderr } = await enter(holder, ['sh', '-c', nextFork, 'sh', base, upper, id, ...next])
    if (code !== 0) throw new Error(`Cannot ${upper} the upper: ${stderr}`)
  }

  return {
    fork: (next) => refork('drop', next),
    freeze: (id) => refork('freeze', [id, ...stack], id),
    copyUpper: () => refork('copy', stack),
    run: (script) => enter(holder, [...boxed(base), '--', 'sh', '-s'], script),
    async close() {
      const ended = once(holder, 'exit')
      holder.stdin?.end()
      await ended
      await rm(base, { recursive: true })
    },
  }
}

const plain = { ...unprivileged, cwd: '/', env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } }

async function hold(base: string): Promise<ChildProcess> {
  const namespaces = ['--user', '--map-root-user', '--mount', '--propagation', 'private']
  const holder = spawn('unshare', [...namespaces, 'sh', '-c', prepare, 'sh', base], {
    ...plain,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await once(holder.stdout, 'data')
  return holder
}

async function enter(holder: ChildProcess, argv: readonly string[], input: string | Buffer = ''): Promise<Ran> {
  const namespaces = ['--preserve-credentials', '-U', '-m', '-t', String(holder.pid)]
  const child = spawn('nsenter', [...namespaces, '--', ...argv], { ...plain, stdio: 'pipe' })
  const exit = once(child, 'exit')
  // A script that ends before it is read is no fault of the test's own.
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const [[code], stdout, stderr] = await Promise.all([exit, buffer(child.stdout), buffer(child.stderr)])
  return { code, stdout, stderr: stderr.toString() }
}

function boxed(base: string): readonly string[] {
  const mounted = join(base, 'mnt')
  return [
    ...['bwrap', '--unshare-user', '--unshare-pid', '--uid', '1000', '--gid', '1000', '--cap-drop', 'ALL'],
    ...['--die-with-parent', '--ro-bind', '/usr', '/usr', '--symlink', 'usr/bin', '/bin'],
    ...['--symlink', 'usr/lib', '/lib', '--symlink', 'usr/lib64', '/lib64', '--proc', '/proc', '--dev', '/dev'],
    ...['--tmpfs', '/tmp', '--bind', join(mounted, 'merged'), '/workspace', '--chdir', '/workspace'],
    ...['--ro-bind', join(mounted, 'upper'), '/run/forkyard/upper'],
    ...['--ro-bind', join(mounted, 'layers'), '/run/forkyard/layers'],
    ...['--ro-bind', join(mounted, 'stack'), '/run/forkyard/stack'],
    ...['--ro-bind', join(base, 'fsmonitor'), '/etc/forkyard/fsmonitor'],
    ...['--ro-bind', join(base, 'gitconfig'), '/etc/gitconfig'],
    ...['--clearenv', '--setenv', 'PATH', '/usr/bin', '--setenv', 'HOME', '/tmp', '--setenv', 'LC_ALL', 'C.UTF-8'],
  ]
}
