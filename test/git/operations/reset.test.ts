import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { hasCode } from '../../../src/core/errors.ts'
import { reset } from '../../../src/git/operations/reset.ts'
import { scratchDir } from '../../support/operation-run.ts'
import { cloneCone, fetchBlobs } from '../../support/partial-clone.ts'
import { makeRepository, type Repository } from '../../support/repository.ts'
import { oddBytes, oddNames } from '../../support/rich-repository.ts'
import { filesOf, makeTwins, runInWorkspace, stateOf, workspaceGit } from '../../support/workspace-run.ts'

async function makeDirty({ dir, git }: Repository): Promise<void> {
  await writeFile(join(dir, 'README.md'), 'changed\n')
  await rm(join(dir, 'tool'))
  await writeFile(join(dir, 'lib/new'), 'new\n')
  await git(['add', '--all'])
  await writeFile(join(dir, 'crlf.txt'), 'one\ntwo\n')
  await writeFile(join(dir, 'unknown'), '')
}

for (const objectFormat of ['sha1', 'sha256'] as const) {
  for (const mode of ['soft', 'mixed', 'hard'] as const) {
    test(`a ${mode} reset leaves what git leaves (${objectFormat})`, async (t) => {
      const { ours, theirs, both } = await makeTwins(t, { objectFormat })
      await both(makeDirty)
      const value = await runInWorkspace(reset, ours.dir, { mode, revision: 'HEAD~1^2' })
      await theirs.git(['reset', '--quiet', `--${mode}`, 'HEAD~1^2'])
      assert.deepEqual(await stateOf(ours), await stateOf(theirs))
      assert.deepEqual(value, { head: await theirs.git(['rev-parse', 'HEAD']), previous: ours.last })
    })
  }
}

test('without a revision the commit stays; a detached HEAD moves alone', async (t) => {
  const { ours, theirs, both } = await makeTwins(t)
  await both(makeDirty)
  assert.deepEqual(await runInWorkspace(reset, ours.dir, {}), { head: ours.last, previous: ours.last })
  await theirs.git(['reset', '--quiet'])
  assert.deepEqual(await stateOf(ours), await stateOf(theirs))
  await both(({ git }) => git(['checkout', '--quiet', '--detach']))
  await runInWorkspace(reset, ours.dir, { mode: 'hard', revision: ours.first })
  await theirs.git(['reset', '--quiet', '--hard', theirs.first])
  assert.deepEqual(await stateOf(ours), await stateOf(theirs))
  assert.equal(reset.plain({ head: ours.first, previous: null }), `HEAD is at ${ours.first.slice(0, 10)}\n`)
})

test('given paths are taken back in the index alone, literally', async (t) => {
  const { ours, theirs, both } = await makeTwins(t)
  const names = [...oddNames.map((name) => Buffer.from(name)), oddBytes]
  await both(async ({ dir, git }) => {
    for (const name of names) await writeFile(Buffer.concat([Buffer.from(`${dir}/`), name]), 'changed\n')
    await git(['rm', '--quiet', '--cached', 'tool'])
    await git(['add', '--all', 'lib', ':/'])
  })
  const paths = [...oddNames, { base64: oddBytes.toString('base64') }, 'nowhere', 'lib/']
  await runInWorkspace(reset, ours.dir, { paths })
  const input = Buffer.concat([...names, 'nowhere', 'lib/'].flatMap((name) => [Buffer.from(name), Buffer.of(0)]))
  await theirs.git(['--literal-pathspecs', 'reset', '-q', '--pathspec-from-file=-', '--pathspec-file-nul'], { input })
  assert.deepEqual(await stateOf(ours), await stateOf(theirs))
  await runInWorkspace(reset, ours.dir, { paths: ['tool'], revision: ours.first })
  await theirs.git(['reset', '--quiet', theirs.first, '--', 'tool'])
  assert.deepEqual(await stateOf(ours), await stateOf(theirs))
})

test('a merge under way is ended by mixed and hard, and no ground for soft', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  const base = await repository.commit({ files: { a: '1\n' } })
  await repository.commit({ files: { a: '2\n' } })
  await repository.commit({ branch: 'topic', parents: [base], files: { a: '3\n' } })
  await repository.checkout()
  await repository.git(['merge', 'topic'], { okExitCodes: [1] })
  await assert.rejects(runInWorkspace(reset, dir, { mode: 'soft' }), (error) => hasCode(error, 'already_in_progress'))
  await runInWorkspace(reset, dir, { mode: 'hard' })
  assert.deepEqual(await repository.git(['status', '--porcelain']), '')
  assert.equal(await repository.git(['rev-parse', '--verify', '--quiet', 'MERGE_HEAD'], { okExitCodes: [1] }), '')
})

test('paths belong to mixed alone, paths outside are refused, a held index is workspace_busy', async (t) => {
  const { ours } = await makeTwins(t)
  for (const mode of ['soft', 'hard'] as const) {
    await assert.rejects(runInWorkspace(reset, ours.dir, { mode, paths: ['tool'] }), (error) =>
      hasCode(error, 'input_invalid'),
    )
  }
  for (const path of ['../x', '/x', '.git/HEAD']) {
    await assert.rejects(runInWorkspace(reset, ours.dir, { paths: [path] }), (error) => hasCode(error, 'path_invalid'))
  }
  for (const revision of ['-x', '--hard', '', 'a\nb']) {
    await assert.rejects(runInWorkspace(reset, ours.dir, { revision }), (error) => hasCode(error, 'ref_invalid'))
  }
  await writeFile(join(ours.dir, '.git/index.lock'), '')
  for (const mode of ['mixed', 'hard'] as const) {
    await assert.rejects(runInWorkspace(reset, ours.dir, { mode }), (error) => hasCode(error, 'workspace_busy'))
  }
})

for (const mode of ['mixed', 'hard'] as const) {
  test(`a ${mode} reset asks for the contents it needs, and says what is missing`, async (t) => {
    const { ours } = await makeTwins(t)
    const [partial, whole] = [join(await scratchDir(t), 'a'), join(await scratchDir(t), 'b')]
    await cloneCone(ours, partial, ['src'])
    const input = { mode, revision: ours.first }
    await assert.rejects(
      runInWorkspace(reset, partial, input),
      (error) => hasCode(error, 'objects_missing') && (error.details['oids'] as string[]).length > 0,
    )
    assert.ok((await fetchBlobs(reset, partial, input, ours, workspaceGit(partial))).length > 5)
    await runInWorkspace(reset, partial, input)
    const plain = await cloneCone(ours, whole, ['src'])
    await plain.git(['reset', '--quiet', `--${mode}`, ours.first])
    assert.deepEqual(await filesOf(partial), await filesOf(whole))
  })
}
