import { existsSync, lstatSync, readlinkSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { totalmem } from 'node:os'
import { asCanceled } from '../../core/deadline.ts'
import { AppError } from '../../core/errors.ts'
import { span } from '../../core/spans.ts'
import type { Image, Sandbox, SandboxDriver, SandboxSpec, Template, TemplateFiles, Upper } from '../contract.ts'
import { findCgroups } from './cgroup.ts'
import { createSandbox, draftSandbox, type Draft, type Wanted } from './create-sandbox.ts'
import { RESERVED_BYTES } from './disk-watch.ts'
import { forkSandbox } from './fork-sandbox.ts'
import { hasMemoryUppers, requirePrograms } from './host-programs.ts'
import { imageStore } from './image-store.ts'
import { holders as makeHolders } from './holder.ts'
import { toolOf } from './host-command.ts'
import { hugePageFiles, SYS_IN_ETC } from './huge-pages.ts'
import { openJournal } from './journal.ts'
import { launcher as makeLauncher } from './launcher.ts'
import { isAlive, thisProcess } from '../../core/process-identity.ts'
import { reap } from './reaper.ts'
import type { LocalSandbox } from './sandbox.ts'
import { seccompFilter } from './seccomp.ts'
import type { LocalSettings } from './settings.ts'
import { spares as makeSpares } from './spares.ts'
import { installTools, openStateDir } from './state-dir.ts'
import { systemCalls } from './system-calls.ts'

/** Size of a sandbox's /dev/shm. */
const SHM_BYTES = 64 * 1024 * 1024

/** Mount points that the template's /etc must have. */
const etcMountPoints: TemplateFiles = {
  'ssl/.keep': { content: '', mode: 0o644 },
  'alternatives/.keep': { content: '', mode: 0o644 },
}

/** Sandboxes of Linux namespaces and overlayfs, always as an unprivileged user. Throws `host_unable` and `settings_invalid`. */
export async function localDriver(settings: LocalSettings, template: Template): Promise<SandboxDriver> {
  const arch = supportedArch()
  requirePrograms()
  const state = openStateDir(settings)
  const owner = thisProcess()
  const journal = openJournal(state)
  const conditions = { uid: state.owner.uid, xattrs: 'user', tools: template.tools } as const
  const launcher = makeLauncher({ directory: state.path, becomes: state.becomes, numbers: systemCalls[arch] })
  const tool = toolOf(launcher)
  const store = imageStore(state, conditions, () => journal.entries().flatMap(({ layers }) => layers), tool)
  const hugePages = hugePageFiles()
  const etcDir = installTools(state, { ...etcMountPoints, ...hugePages, ...template.etc })
  const filterPath = `${installTools(state, { 'filter.bpf': { content: seccompFilter(arch), mode: 0o644 } })}/filter.bpf`
  const cgroups = findCgroups({ stateDir: state.path })
  const memoryCap = hasMemoryUppers() ? totalmem() * settings.memoryUppersShare : 0
  const alternativesDir = existsSync('/etc/alternatives') ? '/etc/alternatives' : null
  const certificatesDir = existsSync('/etc/ssl') ? '/etc/ssl' : null
  const mounts = {
    etcDir,
    alternativesDir,
    certificatesDir,
    tmpBytes: settings.tmpBytes,
    shmBytes: SHM_BYTES,
    links: [...linksIntoUsr(), ...(Object.keys(hugePages).length === 0 ? [] : [SYS_LINK])],
  }
  const holders = makeHolders(launcher, cgroups)
  const ground = { state, owner, journal, store, holders, filterPath, launcher, mounts }
  const living = new Map<string, LocalSandbox>()
  const spares = makeSpares({ journal, owner, memoryCap })

  await span('reap', { driver: 'local' }, async () => {
    if ((await reap(state, journal, cgroups, tool)) > 0) await store.collect()
  })

  /** Memory while all memory uppers together stay within their bound, then disk while there is room. */
  function fitsMemory({ upper, limits }: SandboxSpec): boolean {
    return upper === 'memory' && journal.reservedBytes() + limits.diskBytes <= memoryCap
  }

  async function requireDisk(): Promise<void> {
    const { bavail, bsize } = await statfs(state.path)
    if (bavail * bsize < RESERVED_BYTES)
      throw new AppError('over_capacity', 'Cannot make a sandbox: memory and disk are used up')
  }

  /** What `make` makes goes where there is room for it now. */
  async function withRoom<T>(spec: SandboxSpec, make: (wanted: Wanted) => Promise<T>, fits = fitsMemory): Promise<T> {
    const isRoom = fits(spec)
    if (!isRoom) await requireDisk()
    // From the look at the sum to the entry that raises it nothing is awaited, or many would see the same sum.
    const upper: Upper = isRoom || fits(spec) ? 'memory' : 'disk'
    const reservedBytes = upper === 'memory' ? spec.limits.diskBytes : 0
    return make({ spec, upper, reservedBytes, onEnd: (id) => forget(id, spec.image) })
  }

  async function create(wanted: Wanted): Promise<LocalSandbox> {
    const sandbox = await createSandbox(ground, wanted)
    living.set(sandbox.id, sandbox)
    return sandbox
  }

  /** Layers of a dropped image go with the last sandbox that used them. */
  async function forget(id: string, image: string | null): Promise<void> {
    living.delete(id)
    if (image !== null && !store.has(image)) await store.collect()
  }

  function livingOne({ id }: Sandbox, action: string): LocalSandbox {
    const mine = living.get(id)
    if (mine === undefined) throw new AppError('sandbox_lost', `Cannot ${action} sandbox ${id}: it is gone`)
    return mine
  }

  return {
    name: 'local',
    supports: { fsmonitorHook: true, uppers: hasMemoryUppers() ? ['memory', 'disk'] : ['disk'] },

    prepare: () => holders.prepare(),

    create: (spec, { signal }) =>
      span('fork', { driver: 'local', upper: spec.upper }, async () => {
        if (signal.aborted) throw asCanceled(signal.reason)
        return withRoom(spec, create)
      }),

    createSpare: (spec, { signal }) =>
      span('fork', { driver: 'local', upper: spec.upper }, async () => {
        if (signal.aborted) throw asCanceled(signal.reason)
        return withRoom(spec, (wanted) => spares.make(wanted, create), spares.fits)
      }),

    fork: (sandbox, count, { signal, metadata }) =>
      span('fork', { driver: 'local', count }, async () => {
        if (signal.aborted) throw asCanceled(signal.reason)
        const source = livingOne(sandbox, 'fork')
        const draft = async (index: number): Promise<Draft> => {
          const spec = { ...source.spec, metadata: metadata(index) }
          const made = await withRoom(spec, (wanted) => draftSandbox(ground, wanted, source))
          living.set(made.sandbox.id, made.sandbox)
          return made
        }
        return forkSandbox(source, count, { stateDir: state.path, signal, draft })
      }),

    freeze: (sandbox, id) =>
      span('freeze', { driver: 'local' }, async (): Promise<Image> => {
        const mine = livingOne(sandbox, 'freeze')
        if (mine.upper !== 'disk')
          throw new AppError('not_freezable', `Cannot freeze sandbox ${sandbox.id}: its upper is in memory`)
        return mine.end((upperDir) => store.add(id, upperDir, mine.layers))
      }),

    drop: (id) => span('drop', { driver: 'local' }, () => store.drop(id)),
    image: async (id) => store.get(id),
    images: async () => store.list(),
    async *sandboxes() {
      for (const { id, layers, metadata, owner: maker } of journal.entries())
        yield { id, image: layers[0] ?? null, isOurs: living.has(id), metadata, isAlive: isAlive(maker) }
    },
    weigh: (id) => store.weigh(id),
    async space() {
      const { bavail, blocks, bsize } = await statfs(state.path)
      return { freeBytes: bavail * bsize, totalBytes: blocks * bsize }
    },
    synced: () => store.synced(),
    async close() {
      await Promise.all([...living.values()].map((sandbox) => sandbox.destroy()))
      await holders.close()
      // It would take what still writes images to disk with it.
      await store.synced()
      await launcher.close()
    },
  }
}

function supportedArch(): 'x64' | 'arm64' {
  if (process.platform !== 'linux')
    throw new AppError('host_unable', `Cannot make sandboxes on ${process.platform}: use the e2b driver there`)
  if (process.arch !== 'x64' && process.arch !== 'arm64')
    throw new AppError(
      'host_unable',
      `Cannot make sandboxes on ${process.arch}: the system call filter knows x64 and arm64`,
    )
  return process.arch
}

/** Commands see of /sys what is said of huge pages. */
const SYS_LINK = { name: 'sys', target: `etc/${SYS_IN_ETC}` } as const

/** The top-level links of a merged-usr system; a sandbox has the same ones. */
function linksIntoUsr(): { name: string; target: string }[] {
  const names = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'].filter((name) => existsSync(`/${name}`))
  return names.map((name) => {
    if (!lstatSync(`/${name}`).isSymbolicLink())
      throw new AppError('host_unable', `Cannot make sandboxes: /${name} is not a link into /usr`)
    return { name, target: readlinkSync(`/${name}`) }
  })
}
