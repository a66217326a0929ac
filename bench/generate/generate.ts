import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runGit } from '../measure/process.ts'
import { importBinaries } from './binaries.ts'
import { importDeep } from './deep.ts'
import { startImport, type Importer } from './fast-import.ts'
import { importFiles } from './files.ts'

interface Preset {
  /** Counted up whenever the same options give other bytes, which makes cached copies stale. */
  readonly version: number
  write(importer: Importer): Promise<void>
}

/** The repositories benchmarks are run on, by name. */
export const presets = {
  'files-20': { version: 1, write: (to) => importFiles(to, { count: 20, bytesEach: 8000 }) },
  'files-1k': { version: 1, write: (to) => importFiles(to, { count: 1000, bytesEach: 8000 }) },
  'files-20k': { version: 1, write: (to) => importFiles(to, { count: 20_000, bytesEach: 8000 }) },
  'files-80k': { version: 2, write: (to) => importFiles(to, { count: 80_000, bytesEach: 14_000 }) },
  deep: { version: 1, write: (to) => importDeep(to, { commits: 20_000, files: 5000 }) },
  binaries: { version: 1, write: (to) => importBinaries(to, { count: 10, bytesEach: 4_000_000, versions: 8 }) },
} as const satisfies Record<string, Preset>

export type PresetName = keyof typeof presets

/** Makes the named repository below `directory` unless it is there, and gives the bare repository's directory name. */
export async function generate(directory: string, name: PresetName): Promise<string> {
  const preset: Preset = presets[name]
  const repository = `${name}-v${preset.version}.git`
  const path = join(directory, repository)
  if (existsSync(path)) return repository

  await mkdir(directory, { recursive: true })
  const draft = await mkdtemp(join(directory, '.making-'))
  try {
    await runGit(['init', '--quiet', '--bare', '--initial-branch=main', draft])
    const importer = startImport(draft)
    await preset.write(importer)
    await importer.finish()
    await runGit(['--git-dir', draft, 'update-ref', '-d', 'refs/heads/side'])
    // As a host keeps it: one pack with bitmaps, refs in one file.
    await runGit(['--git-dir', draft, '-c', 'core.bigFileThreshold=1m', 'repack', '-adb', '--quiet', '--threads=2'])
    await runGit(['--git-dir', draft, 'pack-refs', '--all'])
    await writeFile(join(draft, 'description'), `Generated: ${name}, version ${preset.version}\n`)
    await chmod(draft, 0o755)
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    // Another run was faster; both made the same bytes.
    if (!existsSync(path)) throw error
  }
  return repository
}
