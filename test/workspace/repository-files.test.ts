import assert from 'node:assert/strict'
import { appendFile, cp, mkdir, writeFile } from 'node:fs/promises'
import { test, type TestContext } from 'node:test'
import {
  blankRepository,
  openedAt,
  repositoryState,
  type RepositoryState,
} from '../../src/workspace/repository-files.ts'
import type { TarEntry } from '../../src/workspace/tar.ts'
import { scratchDir } from '../support/operation-run.ts'
import { makeRepository, openRepository, type Repository } from '../support/repository.ts'

const url = 'https://example.com/a"b\\c'

async function write(dir: string, entries: readonly TarEntry[]): Promise<void> {
  for (const { path, content } of entries) {
    if (content === null) await mkdir(`${dir}/${path}`, { recursive: true })
    else await writeFile(`${dir}/${path}`, content)
  }
}

/** A working copy made of our own files alone, with the objects of a real repository. */
async function workingCopy(
  t: TestContext,
  state: Partial<RepositoryState> = {},
): Promise<{ dir: string; git: Repository['git']; source: Repository; tips: string[]; state: RepositoryState }> {
  const root = await scratchDir(t)
  const { objectFormat = 'sha1' } = state
  const source = await makeRepository(`${root}/source`, { objectFormat, bare: true })
  const tips = [await source.commit({ files: { a: 'a\n' } }), await source.commit({ branch: 'other', parents: [] })]
  const dir = `${root}/copy`
  const whole = { objectFormat, url, tips, hasGaps: false, ...state }
  await write(dir, blankRepository(whole))
  await cp(`${source.dir}/objects`, `${dir}/.git/objects`, { recursive: true })
  const copy = openRepository(dir)
  return { dir, git: copy.git.bind(copy), source, tips, state: whole }
}

for (const objectFormat of ['sha1', 'sha256'] as const) {
  test(`git takes our files for a ${objectFormat} repository that is detached at its first tip`, async (t) => {
    const { git, tips } = await workingCopy(t, { objectFormat })
    assert.equal(await git(['fsck', '--strict']), '')
    assert.equal(await git(['rev-parse', '--show-object-format']), objectFormat)
    assert.equal(await git(['rev-parse', 'HEAD']), tips[0])
    assert.equal(await git(['branch', '--show-current']), '')
    assert.equal(await git(['remote', 'get-url', 'origin']), url)
    const kept = await git(['for-each-ref', '--format=%(objectname) %(refname)'])
    assert.deepEqual(kept.split('\n').toSorted(), tips.map((oid) => `${oid} refs/forkyard/${oid}`).toSorted())
    assert.equal(await git(['gc', '--prune=now', '--quiet']), '')
    for (const oid of tips) assert.equal(await git(['cat-file', '-t', oid]), 'commit')
  })
}

test('a repository without tips is an empty one', async (t) => {
  const { git } = await workingCopy(t, { tips: [] })
  assert.equal(await git(['rev-parse', '--verify', '--quiet', 'HEAD'], { okExitCodes: [1] }), '')
  assert.equal(await git(['status', '--porcelain=v2', '--branch']), '# branch.oid (initial)\n# branch.head main')
})

test('other tips take the place of the old ones', async (t) => {
  const { dir, git, tips, state } = await workingCopy(t)
  const reversed = tips.toReversed()
  await write(dir, repositoryState({ ...state, tips: reversed }))
  assert.equal(await git(['rev-parse', 'HEAD']), reversed[0])
  assert.equal(await git(['fsck', '--strict']), '')
})

test('gaps are told to git, which then does not take what is missing for damage', async (t) => {
  for (const hasGaps of [false, true]) {
    const { git } = await workingCopy(t, { hasGaps })
    assert.equal(await git(['config', '--default', '', 'extensions.partialClone']), hasGaps ? 'origin' : '')
    assert.equal(await git(['config', '--default', 'false', 'remote.origin.promisor']), String(hasGaps))
  }
})

const branches = [
  'main',
  'a/b/c',
  'quote"d',
  'ü',
  "it's",
  'x'.repeat(240),
  `${'deep/'.repeat(40)}end`,
  'a.b',
  '#1',
  '@',
]

for (const branch of branches) {
  test(`opened on branch ${branch.slice(0, 20)} (${branch.length} characters), git is on it and follows origin`, async (t) => {
    const { dir, git, tips } = await workingCopy(t)
    const [commit = ''] = tips
    for (const { path, how, content } of openedAt({ ref: `refs/heads/${branch}`, oid: commit, commit }, tips))
      await (how === 'append' ? appendFile : writeFile)(`${dir}/${path}`, content)
    assert.equal(await git(['symbolic-ref', 'HEAD']), `refs/heads/${branch}`)
    assert.equal(await git(['rev-parse', 'HEAD']), commit)
    assert.equal(await git(['for-each-ref', '--format=%(upstream)', 'refs/heads/']), `refs/remotes/origin/${branch}`)
    assert.equal(await git(['fsck', '--strict']), '')
    const kept = await git(['for-each-ref', '--format=%(objectname)', 'refs/forkyard/'])
    assert.deepEqual(kept.split('\n').toSorted(), tips.toSorted())
  })
}

test('opened on a tag or an id, HEAD stays detached and the tag is there', async (t) => {
  const { dir, git, source, tips } = await workingCopy(t)
  const [commit = ''] = tips
  const oid = await source.tag('v1', { at: commit, message: 'One' })
  await cp(`${source.dir}/objects`, `${dir}/.git/objects`, { recursive: true })
  for (const { path, content } of openedAt({ ref: 'refs/tags/v1', oid, commit }, tips))
    await writeFile(`${dir}/${path}`, content)
  assert.equal(await git(['describe', '--exact-match']), 'v1')
  assert.equal(await git(['branch', '--show-current']), '')
  assert.deepEqual(openedAt({ ref: null, oid: commit, commit }, tips), [])
})
