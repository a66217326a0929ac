import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { importBinaries } from '../../bench/generate/binaries.ts'
import { importDeep } from '../../bench/generate/deep.ts'
import { startImport, type Importer } from '../../bench/generate/fast-import.ts'
import { blamedPath, importFiles } from '../../bench/generate/files.ts'
import { hermeticEnv } from '../support/repository.ts'

function git(gitDir: string, ...args: string[]): string[] {
  const text = execFileSync('git', ['--git-dir', gitDir, ...args], { env: hermeticEnv, encoding: 'utf8' })
  return text.split('\n').filter((line) => line !== '')
}

async function imported(t: TestContext, write: (importer: Importer) => Promise<void>): Promise<string> {
  const gitDir = mkdtempSync(join(tmpdir(), 'forkyard-generate-'))
  t.after(() => rmSync(gitDir, { recursive: true, force: true }))
  git(gitDir, 'init', '--quiet', '--bare', '--initial-branch=main', gitDir)
  const importer = startImport(gitDir)
  await write(importer)
  await importer.finish()
  return gitDir
}

test('the same preset gives the same commits', async (t) => {
  const presets = [
    (to: Importer) => importFiles(to, { count: 60, bytesEach: 500 }),
    (to: Importer) => importDeep(to, { commits: 500, files: 20 }),
    (to: Importer) => importBinaries(to, { count: 2, bytesEach: 10_000, versions: 2 }),
  ]
  for (const preset of presets) {
    const [first, second] = [await imported(t, preset), await imported(t, preset)]
    assert.deepEqual(git(first, 'for-each-ref'), git(second, 'for-each-ref'))
    assert.deepEqual(git(first, 'fsck', '--strict', '--no-dangling'), [])
  }
})

test('many files are spread over directories of several depths', async (t) => {
  const gitDir = await imported(t, (to) => importFiles(to, { count: 3000, bytesEach: 100 }))
  const paths = git(gitDir, 'ls-tree', '-r', '--name-only', 'main')
  assert.equal(paths.length, 3001)
  assert.deepEqual(new Set(paths.map((path) => path.split('/').length)), new Set([2, 3, 4]))
})

test('a long history has merges, two branches that parted, and a file with many versions', async (t) => {
  const gitDir = await imported(t, (to) => importDeep(to, { commits: 1000, files: 20 }))
  assert(git(gitDir, 'rev-list', '--all').length >= 1000)
  assert(git(gitDir, 'rev-list', '--merges', 'main').length > 50)
  assert(git(gitDir, 'rev-list', 'main', '^topic').length >= 300)
  assert.equal(git(gitDir, 'rev-list', 'topic', '^main').length, 60)
  assert(git(gitDir, 'rev-list', 'main', '--', blamedPath).length >= 15)
})
