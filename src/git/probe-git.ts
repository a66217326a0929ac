import { spawn } from 'node:child_process'
import { AppError } from '../core/errors.ts'

/** The oldest git of each series in which GIT_NO_LAZY_FETCH works; from 2.45 on every git has it. */
const oldestOfSeries: Readonly<Record<string, number>> = {
  '2.39': 4,
  '2.40': 2,
  '2.41': 1,
  '2.42': 2,
  '2.43': 4,
  '2.44': 1,
}

/** The version of the host's git, such as "2.39.5"; throws `host_unable` where it is missing or too old. */
export async function probeGit({ signal }: { signal: AbortSignal }): Promise<string> {
  const text = await versionText(signal)
  const version = /^git version (\d+\.\d+\.\d+)/.exec(text)?.[1]
  if (version === undefined) throw new AppError('host_unable', 'Cannot use git: it is not installed')
  if (!isRecentEnough(version))
    throw new AppError(
      'host_unable',
      `Cannot use git ${version}: 2.39.4 or later is needed, for GIT_NO_LAZY_FETCH and http.curloptResolve`,
    )
  return version
}

/** Whether a git version has all that is relied on. */
export function isRecentEnough(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number)
  if (major > 2 || (major === 2 && minor >= 45)) return true
  const oldest = oldestOfSeries[`${major}.${minor}`]
  return oldest !== undefined && patch >= oldest
}

function versionText(signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const child = spawn('git', ['version'], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { PATH: '/usr/bin:/bin' },
      signal,
    })
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    // Not there at all: the empty text says it.
    child.once('error', () => resolve('')).once('close', () => resolve(text))
  })
}
