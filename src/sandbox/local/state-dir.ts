import { createHash, randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { AppError } from '../../core/errors.ts'
import type { TemplateFiles } from '../contract.ts'
import type { Identity } from './identity.ts'

/** The directory all processes of one user or host share; truth about images lies here as files. */
export interface StateDir {
  readonly path: string
  /** Who sandboxes run as, and who owns everything here. */
  readonly owner: Identity
  /** Same as `owner` where the service is root and has to become it, else `null`. */
  readonly becomes: Identity | null
}

const folders = ['layers', 'layers/empty', 'images', 'run', 'tools', 'mnt', 'rw', 'tmp'] as const

/**
 * Makes or opens a state directory. As root it belongs to `sandboxUid`, never to root; as a user, to that user.
 * Throws `settings_invalid` where it belongs to somebody else: layers of two owners must never be mixed.
 */
export function openStateDir({ stateDir, sandboxUid }: { stateDir: string; sandboxUid: number }): StateDir {
  if (/[^\w./-]/.test(stateDir) || !stateDir.startsWith('/')) {
    // Overlay options are joined by "," and ":", and no other character of a path is needed.
    throw new AppError(
      'settings_invalid',
      `Cannot use the state directory ${JSON.stringify(stateDir)}: only letters, digits, "_", ".", "-" and "/" are allowed`,
    )
  }
  const isRoot = process.getuid?.() === 0
  const owner = isRoot
    ? { uid: sandboxUid, gid: sandboxUid }
    : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
  if (isRoot && sandboxUid === 0)
    throw new AppError('settings_invalid', 'Cannot run sandboxes as root: FORKYARD_SANDBOX_UID is 0')
  const state: StateDir = { path: stateDir, owner, becomes: isRoot ? owner : null }
  try {
    // Parents that we make must let the sandboxes' user pass.
    makeReadable(stateDir.replace(/\/+[^/]*\/*$/, ''))
    // An empty directory of root's own is one that was made for this.
    if (!existsSync(stateDir) || (isRoot && isEmptyOfRoot(stateDir))) makeOwned(state, stateDir, 0o700)
    const { uid } = statSync(stateDir)
    if (uid !== owner.uid)
      throw new AppError(
        'settings_invalid',
        `Cannot use the state directory ${stateDir}: it belongs to uid ${uid}, not ${owner.uid}`,
      )
    for (const folder of folders)
      if (!existsSync(`${stateDir}/${folder}`)) makeOwned(state, `${stateDir}/${folder}`, 0o755)
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    throw new AppError('settings_invalid', `Cannot use the state directory ${stateDir}: ${(cause as Error).message}`, {
      cause,
    })
  }
  return state
}

function isEmptyOfRoot(path: string): boolean {
  const { uid } = lstatSync(path)
  return uid === 0 && readdirSync(path).length === 0
}

/** Makes a directory that belongs to the sandboxes' user. */
export function makeOwned({ owner, becomes }: StateDir, path: string, mode: number): void {
  mkdirSync(path, { recursive: true, mode })
  chmodSync(path, mode)
  if (becomes !== null) chownSync(path, owner.uid, owner.gid)
}

/** Writes a file so that readers see all of it or nothing. */
export function writeAtomically({ path }: StateDir, file: string, content: string): void {
  const temporary = `${path}/${temporaryName()}`
  try {
    writeFileSync(temporary, content)
    renameSync(temporary, `${path}/${file}`)
  } catch (error) {
    // On a full disk the half of it that was written would stay.
    rmSync(temporary, { force: true })
    throw error
  }
}

/** Puts files into a directory named by their content, once, and returns its path; a checkout may be unreadable for sandboxes. */
export function installTools(state: StateDir, files: TemplateFiles): string {
  const hash = createHash('sha256')
  for (const [name, { content, mode }] of Object.entries(files))
    hash.update(`${name}\0${mode}\0`).update(content).update('\0')
  const target = `${state.path}/tools/${hash.digest('hex').slice(0, 16)}`
  if (existsSync(target)) return target
  const temporary = `${state.path}/${temporaryName()}`
  for (const [name, { content, mode }] of Object.entries(files)) {
    const file = `${temporary}/${name}`
    makeReadable(file.slice(0, file.lastIndexOf('/')))
    writeFileSync(file, content)
    // The sandboxes' user must read them, whatever this process's umask is.
    chmodSync(file, mode)
  }
  try {
    renameSync(temporary, target)
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true })
    // Another process was first, with the same content.
    if (!existsSync(target)) throw error
  }
  return target
}

/** A name that tells whose it is, so that what a dead process left can be removed. */
function temporaryName(): string {
  return `tmp/${process.pid}.${randomBytes(8).toString('hex')}`
}

/** Makes a directory, and what is missing above it, that everybody may enter. */
function makeReadable(directory: string): void {
  if (directory === '' || existsSync(directory)) return
  makeReadable(directory.slice(0, directory.lastIndexOf('/')))
  mkdirSync(directory)
  chmodSync(directory, 0o755)
}

/** Reads a JSON file of ours; `null` where it is missing, was cut off by a crash or is no file at all. */
export function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? ''
    if (error instanceof SyntaxError || ['ENOENT', 'EISDIR', 'ELOOP', 'ENOTDIR'].includes(code)) return null
    throw error
  }
}
