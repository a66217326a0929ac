import assert from 'node:assert/strict'
import { chmod, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { hasCode, type ErrorCode } from '../../../src/core/errors.ts'
import { commit } from '../../../src/git/operations/commit.ts'
import { scratchDir } from '../../support/operation-run.ts'
import { cloneCone, fetchBlobs } from '../../support/partial-clone.ts'
import { type Repository } from '../../support/repository.ts'
import { beginMerge, makeTwins, people, runInWorkspace, stateOf, workspaceGit } from '../../support/workspace-run.ts'

async function stage({ dir, git }: Repository): Promise<void> {
  await writeFile(join(dir, 'README.md'), 'changed\n')
  await chmod(join(dir, 'topic.txt'), 0o755)
  await rm(join(dir, 'crlf.txt'))
  await writeFile(join(dir, '-new'), 'new\r\n')
  await rm(join(dir, 'turns'))
  await symlink('nowhere', join(dir, 'turns'))
  await git(['mv', 'lib/long.txt', 'lib/moved.txt'])
  await git(['add', '--all'])
  await writeFile(join(dir, 'tool'), 'not staged\n')
}

for (const objectFormat of ['sha1', 'sha256'] as const) {
  test(`a commit is the one that git makes (${objectFormat})`, async (t) => {
    const { ours, theirs, both } = await makeTwins(t, { objectFormat })
    await both(stage)
    const value = await runInWorkspace(commit, ours.dir, { message: 'Change much\n\nWith a body\n', ...people })
    await theirs.git(['commit', '--quiet', '--file=-'], { input: 'Change much\n\nWith a body\n' })
    assert.deepEqual(await stateOf(ours), await stateOf(theirs))
    assert.deepEqual(value, {
      commit: await theirs.git(['rev-parse', 'HEAD']),
      tree: await theirs.git(['rev-parse', 'HEAD^{tree}']),
      parents: [ours.last],
      branch: 'main',
      totals: { files: 6, additions: 3, deletions: 6 },
    })
    const stat = await theirs.git(['show', '--format=', '--shortstat', 'HEAD'])
    assert.equal(stat, ' 6 files changed, 3 insertions(+), 6 deletions(-)')
    assert.match(commit.plain(value), /^\[main [0-9a-f]{10}\] 6 files changed, 3 additions, 6 deletions\n$/)
  })
}

test('a message is taken byte for byte, but for a last newline', async (t) => {
  const { ours } = await makeTwins(t)
  const messages = [
    '# a title\n\n#body\n',
    ' indented\n\n\n\nfar \t\n',
    'é\u202e🙂',
    '-F/etc/passwd',
    '--amend',
    'a\r\nb\r\n',
    '\n\nx\n\n\n',
  ]
  for (const message of messages) {
    await runInWorkspace(commit, ours.dir, { message, allowEmpty: true })
    const raw = await ours.git(['cat-file', 'commit', 'HEAD'])
    const stored = `${raw.slice(raw.indexOf('\n\n') + 2)}\n`
    assert.equal(stored, message.endsWith('\n') ? message : `${message}\n`)
  }
})

test('all stages known files and leaves new ones alone', async (t) => {
  const { ours, theirs, both } = await makeTwins(t)
  await both(async ({ dir }) => {
    await writeFile(join(dir, '*'), 'changed\n')
    await rm(join(dir, '-rf'))
    await writeFile(join(dir, 'unknown'), '')
  })
  const { totals } = await runInWorkspace(commit, ours.dir, { message: 'x', all: true, ...people })
  await theirs.git(['commit', '--quiet', '--all', '--message=x'])
  assert.deepEqual(await stateOf(ours), await stateOf(theirs))
  assert.deepEqual(totals, { files: 2, additions: 1, deletions: 2 })
})

test('what must not be committed has a code, and HEAD stays', async (t) => {
  const { ours } = await makeTwins(t)
  type Input = Parameters<typeof runInWorkspace<typeof commit.input, typeof commit.output>>[2]
  const refuse = async (code: ErrorCode, input: Input) => {
    await assert.rejects(
      runInWorkspace(commit, ours.dir, input),
      (error) => hasCode(error, code),
      JSON.stringify(input),
    )
    assert.equal(await ours.git(['rev-parse', 'HEAD']), ours.last)
  }
  await writeFile(join(ours.dir, 'tool'), 'not staged\n')
  await refuse('nothing_to_commit', { message: 'x' })
  await refuse('nothing_to_commit', { message: 'x', amend: true })
  await refuse('signing_unavailable', { message: 'x', sign: true, allowEmpty: true })
  await refuse('input_invalid', {})
  for (const message of ['', ' \n\t\n', 'a\0b', '\ud800', 'x'.repeat(1_048_577)]) {
    await refuse('input_invalid', { message, allowEmpty: true })
  }
  await writeFile(join(ours.dir, '.git/index.lock'), '')
  await refuse('workspace_busy', { message: 'x', allowEmpty: true })
  await rm(join(ours.dir, '.git/index.lock'))
  await writeFile(join(ours.dir, '.git/refs/heads/main.lock'), '')
  await refuse('workspace_busy', { message: 'x', allowEmpty: true })
  await rm(join(ours.dir, '.git/refs/heads/main.lock'))
  await beginMerge(ours, 'conflict\n')
  await refuse('conflicts_unresolved', { message: 'x' })
  await refuse('conflicts_unresolved', { message: 'x', all: true })
  assert.notEqual(await ours.git(['ls-files', '--unmerged']), '')
})

test('hooks, signing, templates and encodings of the repository have no say', async (t) => {
  const { ours } = await makeTwins(t)
  const settings = {
    'commit.gpgSign': 'true',
    'gpg.program': '/nonexistent',
    'commit.template': '/etc/passwd',
    'commit.cleanup': 'strip',
    'commit.verbose': 'true',
    'core.editor': 'false',
    'core.commentChar': 'x',
    'i18n.commitEncoding': 'latin1',
    'diff.ignoreSubmodules': 'all',
  }
  for (const [key, value] of Object.entries(settings)) await ours.git(['config', key, value])
  await ours.git(['update-index', '--cacheinfo', `160000,${ours.second},module`])
  const { totals } = await runInWorkspace(commit, ours.dir, { message: 'xé\n# y' })
  assert.equal(totals.files, 1)
  const raw = await ours.git(['cat-file', 'commit', 'HEAD'])
  assert.ok(raw.endsWith('\n\nxé\n# y') && !raw.includes('encoding') && !raw.includes('gpgsig'))
})

test('a commit in a cone with gaps keeps what is not there', async (t) => {
  const { ours } = await makeTwins(t)
  const partial = await cloneCone(ours, join(await scratchDir(t), 'partial'), ['src'])
  await writeFile(join(partial.dir, 'src/copied.txt'), 'new\n')
  const { tree, totals } = await runInWorkspace(commit, partial.dir, { message: 'x', all: true })
  assert.deepEqual(totals, { files: 1, additions: 1, deletions: 40 })
  assert.equal(await partial.git(['diff-tree', '-r', '--name-only', ours.last, tree]), 'src/copied.txt')

  await partial.git(['restore', '--staged', `--source=${ours.first}`, '--', '.'])
  const input = { message: 'y' }
  await assert.rejects(runInWorkspace(commit, partial.dir, input), (error) => hasCode(error, 'objects_missing'))
  assert.ok((await fetchBlobs(commit, partial.dir, input, ours, workspaceGit(partial.dir))).length > 3)
  assert.equal(
    (await runInWorkspace(commit, partial.dir, input)).parents[0],
    await partial.git(['rev-parse', 'HEAD~1']),
  )
})
