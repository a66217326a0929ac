/** One step of the holder; see holder.pl. */
export type HolderStep = readonly [name: string, ...fields: (string | number)[]]

/** Everything the plan of one sandbox depends on. All names below the state directory are ours and random. */
export interface MountSpec {
  readonly stateDir: string
  /** Directory with the read-only /etc of this template. */
  readonly etcDir: string
  /** Where a disk upper lies; `null` for a memory upper. */
  readonly diskDir: string | null
  /** Image ids, the newest first; each is a layer. */
  readonly layers: readonly string[]
  readonly network: 'none' | 'host'
  readonly diskBytes: number
  readonly inodes: number
  readonly tmpBytes: number
  readonly shmBytes: number
  /** The host's links of Debian's alternatives, without which awk and others lead nowhere; `null` where it has none. */
  readonly alternativesDir: string | null
  /** The host's certificates, which sandboxes with network see as /etc/ssl; `null` where it has none. */
  readonly certificatesDir: string | null
  /** Top-level links, most of them into /usr as on every merged-usr system: `bin` → `usr/bin`. */
  readonly links: readonly { readonly name: string; readonly target: string }[]
}

/** Below the state directory, where every holder mounts its own: what commands see as `/`, and the writable upper. */
export const ROOT = 'mnt'
export const UPPER = 'rw'

// linux/mount.h
const READ_ONLY = 1
const NOSUID = 2
const NODEV = 4
const NOEXEC = 8
const REMOUNT = 32
const BIND = 4096
const REC = 16384
const PRIVATE = 1 << 18

// linux/sched.h
const NEWNS = 0x00020000
const NEWUTS = 0x04000000
const NEWIPC = 0x08000000
const NEWUSER = 0x10000000
const NEWNET = 0x40000000

/** Uid inside the holder's own namespace; commands run as another one, in a namespace below it. */
const HOLDER_UID = 0

/**
 * The ordered steps that make a sandbox: namespaces, a tmpfs as root, /usr and /etc read-only, devices, the overlay
 * at /workspace, and beside it, read-only, what the fsmonitor hook looks at. Only /workspace, /tmp, /home and
 * /dev/shm can be written, each with a quota.
 */
export function mountPlan(spec: MountSpec): readonly HolderStep[] {
  return [...storage(spec), ...view(spec)]
}

/** Files that come and go while an overlay is mounted, for which a full upper has no room. */
const INODES_TO_MOUNT = 16

/** The first part of a plan in two: all that can be written is there, and can be filled before an overlay looks at it. */
export function storagePlan(spec: MountSpec): readonly HolderStep[] {
  return storage({ ...spec, inodes: spec.inodes + INODES_TO_MOUNT })
}

/** The second part: what commands see of it, and the limit of files as it is to be. */
export function viewPlan(spec: MountSpec): readonly HolderStep[] {
  return [...view(spec), ...quota(spec)]
}

/** All that a sandbox can write and a fork of it begins with, relative to the state directory, for its holder. */
export const WRITTEN = [`${UPPER}/upper`, `${ROOT}/home`, `${ROOT}/tmp`] as const

/** The steps as the strings the holder reads. */
export function planFields(steps: readonly HolderStep[]): readonly string[] {
  return steps.flatMap(([name, ...rest]) => [name, rest.length, ...rest].map(String))
}

function storage(spec: MountSpec): HolderStep[] {
  const root = `${spec.stateDir}/${ROOT}`
  return [
    ...namespaces(spec),
    tmpfs(root, 'size=1m,nr_inodes=512,mode=755'),
    ...['usr', 'etc', 'proc', 'dev', 'run', 'run/forkyard', 'run/forkyard/layers', 'workspace', 'tmp', 'home'].map(
      (name) => directory(`${root}/${name}`),
    ),
    ...spec.links.map(({ name, target }): HolderStep => ['symlink', target, `${root}/${name}`]),
    ...readOnly('/usr', `${root}/usr`),
    ...readOnly(spec.etcDir, `${root}/etc`),
    ...(spec.alternativesDir === null ? [] : readOnly(spec.alternativesDir, `${root}/etc/alternatives`)),
    ...(spec.network === 'host' && spec.certificatesDir !== null
      ? readOnly(spec.certificatesDir, `${root}/etc/ssl`)
      : []),
    ...devices(`${root}/dev`, spec.shmBytes),
    ...scratch(root, spec.tmpBytes),
    ...upper(spec),
  ]
}

function view(spec: MountSpec): HolderStep[] {
  const root = `${spec.stateDir}/${ROOT}`
  return [
    ...workspace(spec, `${root}/workspace`),
    ...shownToTheHook(spec, `${root}/run/forkyard`),
    ['mount', 'none', root, '', REMOUNT | BIND | READ_ONLY | NOSUID | NODEV, ''],
  ]
}

function namespaces({ network }: MountSpec): HolderStep[] {
  const isolated = network === 'none'
  return [
    ['unshare', NEWUSER | NEWNS | NEWIPC | NEWUTS | (isolated ? NEWNET : 0), HOLDER_UID],
    ['hostname', 'forkyard'],
    ...(isolated ? [['loopback'] as const] : []),
    ['mount', 'none', '/', '', REC | PRIVATE, ''],
  ]
}

function devices(dev: string, shmBytes: number): HolderStep[] {
  const nodes = ['null', 'zero', 'full', 'random', 'urandom', 'tty']
  const links = {
    fd: '/proc/self/fd',
    stdin: '/proc/self/fd/0',
    stdout: '/proc/self/fd/1',
    stderr: '/proc/self/fd/2',
    ptmx: 'pts/ptmx',
  }
  return [
    tmpfs(dev, 'size=64k,nr_inodes=64,mode=755'),
    ...nodes.flatMap((name): HolderStep[] => [
      ['write', `${dev}/${name}`, ''],
      ['mount', `/dev/${name}`, `${dev}/${name}`, '', BIND, ''],
    ]),
    ...Object.entries(links).map(([name, target]): HolderStep => ['symlink', target, `${dev}/${name}`]),
    directory(`${dev}/shm`),
    directory(`${dev}/pts`),
    ['mount', 'devpts', `${dev}/pts`, 'devpts', NOSUID | NOEXEC, 'newinstance,ptmxmode=0666,mode=620'],
    ['mount', 'none', dev, '', REMOUNT | BIND | READ_ONLY | NOSUID, ''],
    tmpfs(`${dev}/shm`, `size=${shmBytes},nr_inodes=4096,mode=1777`),
  ]
}

/** /tmp and the home directory: kept between the commands of a sandbox, with one quota of their own. */
function scratch(root: string, tmpBytes: number): HolderStep[] {
  return [
    tmpfs(`${root}/tmp`, `size=${tmpBytes},nr_inodes=65536,mode=755`),
    directory(`${root}/tmp/home`),
    ['mount', `${root}/tmp/home`, `${root}/home`, '', BIND, ''],
    directory(`${root}/tmp/tmp`),
    ['mount', `${root}/tmp/tmp`, `${root}/tmp`, '', BIND, ''],
  ]
}

/** Memory uppers are tmpfs with a size, which is the quota; disk uppers are watched while they run. */
function upper({ stateDir, diskDir, diskBytes, inodes }: MountSpec): HolderStep[] {
  const target = `${stateDir}/${UPPER}`
  if (diskDir !== null) return [['mount', diskDir, target, '', BIND, '']]
  return [
    tmpfs(target, `size=${diskBytes},nr_inodes=${inodes},mode=700`),
    directory(`${target}/upper`),
    directory(`${target}/work`),
  ]
}

function quota({ stateDir, diskDir, diskBytes, inodes }: MountSpec): HolderStep[] {
  if (diskDir !== null) return []
  const options = `size=${diskBytes},nr_inodes=${inodes}`
  return [['mount', 'none', `${stateDir}/${UPPER}`, '', REMOUNT | NOSUID | NODEV, options]]
}

/** With nothing below, the upper itself is the working copy: what becomes the first layer is written without a detour. */
function workspace(spec: MountSpec, target: string): HolderStep[] {
  if (spec.layers.length === 0 && spec.diskDir !== null)
    return [
      ['mount', `${spec.stateDir}/${UPPER}/upper`, target, '', BIND, ''],
      ['mount', 'none', target, '', REMOUNT | BIND | NOSUID | NODEV, ''],
    ]
  return [['mount', 'overlay', target, 'overlay', NOSUID | NODEV, overlayOptions(spec)]]
}

/**
 * Paths are relative to the state directory, where the holder stands: commands see them in their mountinfo.
 * `userxattr` because the mount is unprivileged; `index=off` because layers are shared.
 */
function overlayOptions({ layers, diskDir }: MountSpec): string {
  const lower = (layers.length === 0 ? ['empty'] : layers).map((layer) => `layers/${layer}`).join(':')
  // volatile: nothing is synced on unmount, which would wait for the whole file system (182 ms measured, against 4).
  const volatile = diskDir === null ? '' : ',volatile'
  return `userxattr,index=off,xino=off,lowerdir=${lower},upperdir=${UPPER}/upper,workdir=${UPPER}/work${volatile}`
}

function shownToTheHook({ stateDir, layers }: MountSpec, run: string): HolderStep[] {
  return [
    ['write', `${run}/stack`, layers.map((layer) => `${layer}\n`).join('')],
    directory(`${run}/upper`),
    ...readOnly(`${stateDir}/${UPPER}/upper`, `${run}/upper`),
    ...layers.flatMap((layer) => [
      directory(`${run}/layers/${layer}`),
      ...readOnly(`${stateDir}/layers/${layer}`, `${run}/layers/${layer}`),
    ]),
  ]
}

function tmpfs(target: string, options: string): HolderStep {
  return ['mount', 'tmpfs', target, 'tmpfs', NOSUID | NODEV, options]
}

function directory(path: string): HolderStep {
  return ['mkdir', path]
}

function readOnly(source: string, target: string): HolderStep[] {
  return [
    ['mount', source, target, '', BIND, ''],
    ['mount', 'none', target, '', REMOUNT | BIND | READ_ONLY | NOSUID | NODEV, ''],
  ]
}
