import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync } from 'node:fs'
import { open, statfs, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { EngineHome } from './engine-home.ts'
import { isRoot } from './local-sandboxes.ts'

/** A service whose state directory is a file system of its own. */
export interface ServiceOnDisk {
  readonly url: string
  /** Writes to its disk until nothing is left. */
  fill(): Promise<void>
  /** Takes away what `fill` wrote. */
  empty(): Promise<void>
  /** What half-done work has left on it. */
  rest(): readonly string[]
  /** Ends it as an operator does; resolves with its exit code. */
  end(): Promise<number | null>
  /** Ends it where a test has failed before it could. */
  kill(): void
}

const program = join(import.meta.dirname, '../../bin/forkyard')
const chunk = Buffer.alloc(1024 * 1024)

/** Starts `forkyard serve` with that many mebibytes of disk, in a mount namespace that goes with it. */
export async function serviceOnDisk(home: EngineHome, mebibytes: number): Promise<ServiceOnDisk> {
  const disk = join(home.dir, 'disk')
  mkdirSync(disk)
  const { settings } = home
  // Where tests do not run as root the service must not believe that it does.
  const [namespaces, again] = isRoot
    ? [['--mount'], '']
    : [['--user', '--map-root-user', '--mount'], 'unshare --user --map-user=1000 --map-group=1000']
  const script = `mount -t tmpfs -o size=${mebibytes}m,mode=711 tmpfs "$0" && exec ${again} "$1" serve --port=0`
  const child = spawn('unshare', [...namespaces, '--propagation', 'private', 'sh', '-c', script, disk, program], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PATH: process.env['PATH'],
      HOME: join(home.dir, 'home'),
      FORKYARD_STATE_DIR: join(disk, 'state'),
      FORKYARD_ALLOW_HOSTS: settings.allowHosts.join(','),
      ...(isRoot ? { FORKYARD_SANDBOX_UID: String(settings.sandboxUid) } : {}),
      // What is left is what was forgotten.
      FORKYARD_READER_IDLE_MS: '0',
      FORKYARD_POOL_SIZE: '0',
      FORKYARD_LOG: 'silent',
    },
  })
  const ended = once(child, 'exit')
  const [said] = (await once(child.stdout, 'data')) as [Buffer]
  const [, url = ''] = /^forkyard serves (http:\S+)\n/.exec(said.toString()) ?? []
  const inside = `/proc/${child.pid}/root${disk}`
  return {
    url,
    async fill() {
      const { bavail, bsize } = await statfs(inside)
      const file = await open(`${inside}/filler`, 'w')
      try {
        for (let left = bavail * bsize; left > 0; left -= chunk.length)
          await file.write(chunk, 0, Math.min(left, chunk.length))
      } finally {
        await file.close()
      }
    },
    empty: () => unlink(`${inside}/filler`),
    rest: () =>
      ['run', 'tmp', 'directory/claims', 'directory/tmp'].flatMap((folder) =>
        readdirSync(`${inside}/state/${folder}`).map((name) => `${folder}/${name}`),
      ),
    kill: () => void child.kill('SIGKILL'),
    async end() {
      child.kill('SIGTERM')
      const [code] = (await ended) as [number | null]
      return code
    },
  }
}
