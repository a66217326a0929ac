import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { isRoot } from './local-sandboxes.ts'

/** A file system of a few megabytes in a mount namespace of its own, reached through the process that holds it. */
export async function smallDisk(t: { after(fn: () => Promise<void>): void }): Promise<string> {
  const namespaces = isRoot ? ['--mount'] : ['--user', '--map-root-user', '--mount']
  const script = 'mount -t tmpfs -o size=8m,mode=711 tmpfs /mnt && echo ready && read -r line'
  const holder = spawn('unshare', [...namespaces, '--propagation', 'private', 'sh', '-c', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = once(holder, 'exit')
  t.after(async () => {
    holder.stdin.end()
    await ended
  })
  await once(holder.stdout, 'data')
  return `/proc/${holder.pid}/root/mnt`
}
