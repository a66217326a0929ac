import { readFile } from 'node:fs/promises'
import { finish } from '../../src/core/exec.ts'
import { probeGit } from '../../src/git/probe-git.ts'
import { localDriver } from '../../src/sandbox/local/driver.ts'
import { gitTemplate } from '../../src/workspace/template-files.ts'
import type { EngineHome } from './engine-home.ts'

const hook = new URL('../../src/sandbox/local/fsmonitor-hook.pl', import.meta.url)

/** What `git fsck`, and a status of those with files, finds wrong in forks of a home's images; a line for each that is not clean. */
export async function imageComplaints({ settings }: Pick<EngineHome, 'settings'>): Promise<readonly string[]> {
  const { signal } = new AbortController()
  const tools = `git ${await probeGit({ signal })}`
  const driver = await localDriver(settings, gitTemplate({ hook: await readFile(hook, 'utf8'), tools }))
  const complaints: string[] = []
  try {
    for (const { id } of await driver.images()) {
      const { diskBytes, inodes, memoryBytes, processes, cpus } = settings
      const limits = { diskBytes, inodes, memoryBytes, processes, cpus }
      const fork = await driver.create(
        { image: id, upper: 'memory', network: 'none', limits, metadata: {} },
        { signal },
      )
      const { code, stdout, stderr } = await finish(
        fork.exec({
          argv: ['/bin/sh', '-c', check],
          cwd: '/workspace',
          env: { PATH: '/usr/bin:/bin', HOME: '/home', LC_ALL: 'C', GIT_NO_LAZY_FETCH: '1', GIT_OPTIONAL_LOCKS: '0' },
          signal,
          deadlineMs: 60_000,
          maxOutputBytes: 1_000_000,
        }),
      )
      await fork.destroy()
      const said = `${stdout.toString()}${stderr.toString()}`.trim()
      if (code !== 0 || said !== '') complaints.push(`${id}: ${code} ${said}`)
    }
  } finally {
    await driver.close()
  }
  return complaints
}

/** Dangling is what older tips were; an image without files has no index to compare with. */
const check = `
git fsck --full --strict --no-progress --no-dangling 2>&1 || exit
! [ -e .git/index ] || git -c core.fsmonitor=false status --porcelain --ignore-submodules=all
`
