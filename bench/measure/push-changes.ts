import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { gitEnvironment } from './process.ts'

let count = 0

/** Commits changes to some files of a bare repository's main branch, spread over the tree, as a push would leave it. */
export async function pushChanges(gitDir: string, files: number): Promise<void> {
  const { stdout } = await promisify(execFile)('git', ['--git-dir', gitDir, 'ls-tree', '-r', '--name-only', 'main'], {
    env: gitEnvironment,
    maxBuffer: 1e9,
  })
  const paths = stdout.split('\n').filter(Boolean)
  const stride = Math.floor(paths.length / files)
  count += 1
  const lines = [
    'commit refs/heads/main',
    `committer Grace Hopper <grace@example.com> ${1_704_067_200 + count} +0000`,
    data(`Push ${count}\n`),
    'from refs/heads/main^0',
    ...Array.from({ length: files }, (_, index) => paths[index * stride + (count % stride)] ?? '').flatMap((path) => [
      `M 100644 inline ${path}`,
      data(`changed by push ${count}\n${path}\n`),
    ]),
    'done\n',
  ]
  const child = spawn('git', ['--git-dir', gitDir, 'fast-import', '--quiet', '--done'], {
    env: gitEnvironment,
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  child.stdin.end(lines.join('\n'))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`Cannot push changes: fast-import ended with ${code}`)
}

function data(text: string): string {
  return `data ${Buffer.byteLength(text)}\n${text}`
}
