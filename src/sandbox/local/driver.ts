import { randomBytes } from 'node:crypto'
import { existsSync, lstatSync, readlinkSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { totalmem } from 'node:os'
import { AppError } from '../../core/errors.ts'
import { span } from '../../core/spans.ts'
import type { Image, SandboxDriver, SandboxSpec, Template, TemplateFiles, Upper } from '../contract.ts'
import { createCgroup, findCgroups } from './cgroup.ts'
import { RESERVED_BYTES } from './disk-watch.ts'
import { startHolder } from './holder.ts'
import { hasMemoryUppers, requirePrograms } from './host-programs.ts'
import { imageStore } from './image-store.ts'
import { openJournal, thisProcess, type JournalEntry } from './journal.ts'
import { mountPlan } from './mount-plan.ts'
import { isAlive } from '../../core/process-identity.ts'
import { reap } from './reaper.ts'
import { removeTree } from './remove-tree.ts'
import { localSandbox, type LocalSandbox } from './sandbox.ts'
import { seccompFilter } from './seccomp.ts'
import type { LocalSettings } from './settings.ts'
import { installTools, makeOwned, openStateDir } from './state-dir.ts'

/** Size of a sandbox's /dev/shm. */
const SHM_BYTES = 64 * 1024 * 1024

/** Mount points that the template's /etc must have. */
const etcMountPoints: TemplateFiles = { 'ssl/.keep': { content: '', mode: 0o644 } }

/** Sandboxes of Linux namespaces and overlayfs, always as an unprivileged user. Throws `host_unable` and `settings_invalid`. */
export async function localDriver(settings: LocalSettings, template: Template): Promise<SandboxDriver> {
  const arch = supportedArch()
  requirePrograms()
  const state = openStateDir(settings)
  const owner = thisProcess()
  const journal = openJournal(state)
  const conditions = { uid: state.owner.uid, xattrs: 'user', tools: template.tools } as const
  const store = imageStore(state, conditions, () => journal.entries().flatMap(({ layers }) => layers))
  const etcDir = installTools(state, { ...etcMountPoints, ...template.etc })
  const filterPath = `${installTools(state, { 'filter.bpf': { content: seccompFilter(arch), mode: 0o644 } })}/filter.bpf`
  const cgroups = findCgroups()
  const links = linksIntoUsr()
  const memoryCap = hasMemoryUppers() ? totalmem() * settings.memoryUppersShare : 0
  const living = new Map<string, LocalSandbox>()

  await span('reap', { driver: 'local' }, async () => {
    if ((await reap(state, journal, cgroups)) > 0) await store.collect()
  })

  /** Memory while all memory uppers together stay within their bound, then disk while there is room. */
  async function chooseUpper({ upper, limits }: SandboxSpec): Promise<Upper> {
    if (upper === 'memory' && journal.reservedBytes() + limits.diskBytes <= memoryCap) return 'memory'
    const { bavail, bsize } = await statfs(state.path)
    if (bavail * bsize < RESERVED_BYTES)
      throw new AppError('over_capacity', 'Cannot make a sandbox: memory and disk are used up')
    return 'disk'
  }

  return {
    name: 'local',
    supports: { fsmonitorHook: true, uppers: hasMemoryUppers() ? ['memory', 'disk'] : ['disk'] },

    create: (spec, { signal }) =>
      span('fork', { driver: 'local', upper: spec.upper }, async () => {
        signal.throwIfAborted()
        const layers = spec.image === null ? [] : store.get(spec.image).layers
        const upper = await chooseUpper(spec)
        const id = `sb_${randomBytes(9).toString('base64url').replaceAll('-', 'A')}`
        const entry: JournalEntry = { id, owner, upper, layers, metadata: spec.metadata }
        journal.write(entry, upper === 'memory' ? spec.limits.diskBytes : 0)
        try {
          // Only now is the image safe from being collected; it may have gone just before.
          if (spec.image !== null) store.get(spec.image)
          const diskDir = upper === 'disk' ? `${state.path}/run/${id}` : null
          if (diskDir !== null)
            for (const folder of ['', '/upper', '/work']) makeOwned(state, `${diskDir}${folder}`, 0o755)
          const { diskBytes, inodes } = spec.limits
          const { network } = spec
          const { tmpBytes } = settings
          const steps = mountPlan({
            stateDir: state.path,
            etcDir,
            diskDir,
            layers,
            network,
            diskBytes,
            inodes,
            tmpBytes,
            shmBytes: SHM_BYTES,
            links,
            arch,
          })
          const holder = await startHolder(state, id, steps)
          const joins =
            cgroups === null
              ? null
              : (): ReturnType<typeof createCgroup> => {
                  const memoryBytes =
                    spec.limits.memoryBytes + tmpBytes + SHM_BYTES + (upper === 'memory' ? diskBytes : 0)
                  return createCgroup(cgroups, id, { ...spec.limits, memoryBytes }, state.becomes?.uid ?? null)
                }
          const sandbox = localSandbox({
            id,
            spec,
            upper,
            diskDir,
            holder,
            joins,
            cgroupVersion: cgroups?.version ?? null,
            filterPath,
            state,
            journal,
            onEnd: () => living.delete(id),
          })
          living.set(id, sandbox)
          return sandbox
        } catch (error) {
          await removeTree(state, `run/${id}`)
          journal.erase(id)
          throw error
        }
      }),

    freeze: (sandbox, id) =>
      span('freeze', { driver: 'local' }, async (): Promise<Image> => {
        const mine = living.get(sandbox.id)
        if (mine === undefined) throw new AppError('sandbox_lost', `Cannot freeze sandbox ${sandbox.id}: it is gone`)
        if (mine.upper !== 'disk')
          throw new AppError('not_freezable', `Cannot freeze sandbox ${sandbox.id}: its upper is in memory`)
        const below = mine.image === null ? [] : store.get(mine.image).layers
        return mine.end((upperDir) => store.add(id, upperDir, below))
      }),

    drop: (id) => span('drop', { driver: 'local' }, () => store.drop(id)),
    images: async () => store.list(),
    async *sandboxes() {
      for (const entry of journal.entries())
        yield { id: entry.id, metadata: entry.metadata, isAlive: isAlive(entry.owner) }
    },
    synced: () => store.synced(),
    async close() {
      await Promise.all([...living.values()].map((sandbox) => sandbox.destroy()))
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

/** The top-level links of a merged-usr system; a sandbox has the same ones. */
function linksIntoUsr(): { name: string; target: string }[] {
  const names = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'].filter((name) => existsSync(`/${name}`))
  return names.map((name) => {
    if (!lstatSync(`/${name}`).isSymbolicLink())
      throw new AppError('host_unable', `Cannot make sandboxes: /${name} is not a link into /usr`)
    return { name, target: readlinkSync(`/${name}`) }
  })
}
