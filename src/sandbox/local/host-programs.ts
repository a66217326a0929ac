import { existsSync } from 'node:fs'
import { release } from 'node:os'
import { AppError } from '../../core/errors.ts'

/** A program of the host that sandboxes are made with, and the Debian package that brings it. */
export interface HostProgram {
  readonly name: string
  readonly package: string
  readonly isThere: boolean
}

const needed = [
  { name: 'bwrap', package: 'bubblewrap' },
  { name: 'git', package: 'git' },
  { name: 'perl', package: 'perl-base' },
  { name: 'tar', package: 'tar' },
] as const

/** What is needed and what of it is there. */
export function hostPrograms(): readonly HostProgram[] {
  return needed.map((program) => ({
    ...program,
    isThere: ['/usr/bin', '/bin'].some((folder) => existsSync(`${folder}/${program.name}`)),
  }))
}

/** Throws `host_unable` with what to install. */
export function requirePrograms(programs = hostPrograms()): void {
  const missing = programs.filter(({ isThere }) => !isThere)
  if (missing.length === 0) return
  const packages = [...new Set(missing.map((program) => program.package))]
  const names = missing.map(({ name }) => name).join(', ')
  throw new AppError('host_unable', `Cannot make sandboxes: ${names} missing; install ${packages.join(' ')}`, {
    details: { packages },
  })
}

/** Whether an overlay's upper may lie on tmpfs: user attributes came to tmpfs with Linux 6.6. */
export function hasMemoryUppers(kernel = release()): boolean {
  const [major = 0, minor = 0] = kernel.split('.').map((part) => Number.parseInt(part, 10))
  return major > 6 || (major === 6 && minor >= 6)
}

/** Understands why a mount plan could not be carried out. */
export function holdFailure(said: string): AppError {
  const details = { stderr: said.trim() }
  if (said.startsWith('Cannot unshare')) {
    return new AppError('host_unable', 'Cannot make a sandbox: this host does not let users make namespaces', {
      details,
    })
  }
  if (/^Cannot mount\(overlay.*No such file/.test(said)) {
    return new AppError('image_not_found', 'Cannot make a sandbox: a layer of its image is gone', { details })
  }
  if (/^Cannot mount\(none.*nr_inodes=/.test(said))
    return new AppError('inode_limit', 'Cannot make a sandbox: it would hold more files than it may', { details })
  if (said.startsWith('Cannot mount(overlay')) {
    return new AppError(
      'host_unable',
      'Cannot make a sandbox: overlayfs refuses the file system of the state directory',
      { details },
    )
  }
  if (/Permission denied/.test(said)) {
    return new AppError('host_unable', 'Cannot make a sandbox: the sandboxes’ user cannot reach the state directory', {
      details,
    })
  }
  return new AppError('sandbox_failed', 'Cannot make a sandbox: its mount plan failed', { details })
}
