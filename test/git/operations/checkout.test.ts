import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { hasCode } from '../../../src/core/errors.ts'
import { checkout } from '../../../src/git/operations/checkout.ts'
import { merge } from '../../../src/git/operations/merge.ts'
import { rebase } from '../../../src/git/operations/rebase.ts'
import { makeRichRepository } from '../../support/rich-repository.ts'
import { hostFiles, noUpstream, runOperation, scratchDir } from '../../support/operation-run.ts'
import { makeRepository, type Repository } from '../../support/repository.ts'
import { fixedGit, makeTwins, stateOf, tellsPaths } from '../../support/twins.ts'

const conflicting = async (repository: Repository) => {
  const base = await repository.commit({ files: { a: '1\n', b: '1\n' } })
  await repository.commit({ files: { a: '2\n' } })
  await repository.commit({ branch: 'topic', parents: [base], files: { a: '3\n' } })
}

for (const objectFormat of ['sha1', 'sha256'] as const) {
  test(`branches, tags, ids and revisions are checked out as git does (${objectFormat})`, async (t) => {
    const dir = await scratchDir(t)
    const { first, last, topic } = await makeRichRepository(dir, { objectFormat })
    const twins = await makeTwins(
      t,
      async (repository) => {
        await repository.git(['fetch', '-q', dir, 'refs/heads/*:refs/heads/*', '--update-head-ok'])
        await repository.tag('light', { at: first })
        await repository.tag('annotated', { at: first, message: 'Told' })
      },
      { objectFormat },
    )
    const main = { branch: 'main', commit: last }
    assert.deepEqual(await twins.run(checkout, { ref: 'topic' }), {
      head: { branch: 'topic', commit: topic },
      previous: main,
    })
    await twins.git('checkout', 'topic')
    await twins.expectEqual()
    const detached = { branch: null, commit: first }
    const names = ['light', 'annotated', 'refs/tags/light', first, first.toUpperCase(), first.slice(0, 9), 'topic~1']
    for (const ref of names) assert.deepEqual((await twins.run(checkout, { ref })).head, detached, ref)
    await twins.git('checkout', '--detach', first)
    await twins.expectEqual()
    assert.deepEqual(await twins.run(checkout, { ref: 'refs/heads/main' }), { head: main, previous: detached })
    await twins.git('checkout', 'main')
    await twins.expectEqual()
    assert.deepEqual((await twins.run(checkout, { ref: 'HEAD' })).head, main)
    assert.deepEqual((await twins.run(checkout, { ref: 'topic', detach: true })).head, { branch: null, commit: topic })
    await twins.git('checkout', '--detach', 'topic')
    await twins.expectEqual()
  })
}

test('a branch that only origin has becomes a local one that follows it', async (t) => {
  const source = await makeRepository(await scratchDir(t))
  await source.commit({ files: { a: '1\n' } })
  const commit = await source.commit({ branch: 'deep/topic', files: { a: '2\n' } })
  const twins = await makeTwins(t, async (repository) => {
    await repository.git(['remote', 'add', 'origin', source.dir])
    await repository.git(['fetch', '-q', 'origin'])
    await repository.git(['reset', '-q', '--hard', 'origin/main'])
  })
  const { head } = await twins.run(checkout, { ref: 'deep/topic' })
  assert.deepEqual(head, { branch: 'deep/topic', commit })
  await twins.git('switch', 'deep/topic')
  await twins.expectEqual()
  assert.equal(await twins.ours.git(['config', 'branch.deep/topic.merge']), 'refs/heads/deep/topic')
  // Its full name asks for the commit, not for a branch.
  const { head: full } = await twins.run(checkout, { ref: 'refs/remotes/origin/deep/topic' })
  assert.deepEqual(full, { branch: null, commit })
  assert.deepEqual((await twins.run(checkout, { ref: 'origin/deep/topic' })).head, { branch: null, commit })
})

test('local changes stay where nothing is in their way, and are named where something is', async (t) => {
  const twins = await makeTwins(t, async (repository) => {
    const base = await repository.commit({ files: { a: '1\n', b: '1\n', 'c/d': '1\n' } })
    await repository.commit({
      branch: 'topic',
      parents: [base],
      files: { a: '2\n', new: 'x\n', 'dir/x': 'x\n', c: 'a file\n' },
      delete: ['c/d'],
    })
  })
  await twins.both(async ({ dir }) => writeFile(join(dir, 'b'), 'mine\n'))
  await twins.run(checkout, { ref: 'topic' })
  await twins.git('checkout', 'topic')
  await twins.expectEqual()
  await twins.run(checkout, { ref: 'main' })
  await writeFile(join(twins.ours.dir, 'a'), 'mine\n')
  await writeFile(join(twins.ours.dir, 'new'), 'mine\n')
  await writeFile(join(twins.ours.dir, 'dir'), 'mine\n')
  await writeFile(join(twins.ours.dir, 'c/e'), 'mine\n')
  await writeFile(join(twins.ours.dir, 'c/d'), 'mine\n')
  await writeFile(join(twins.ours.dir, 'aside'), 'mine\n')
  const before = await stateOf(twins.ours.dir)
  await assert.rejects(
    twins.run(checkout, { ref: 'topic' }),
    tellsPaths('worktree_dirty', ['a', 'c/d', 'c/e', 'dir', 'new']),
  )
  assert.deepEqual(await stateOf(twins.ours.dir), before)
  await twins.ours.git(['clean', '-fdq'])
  await twins.run(checkout, { ref: 'topic', force: true })
  assert.equal(await readFile(join(twins.ours.dir, 'a'), 'utf8'), '2\n')
})

test('conflicts have to be resolved first, or are thrown away with force', async (t) => {
  const twins = await makeTwins(t, conflicting)
  await twins.run(merge, { revision: 'topic' })
  await twins.git('merge', await twins.plain.git(['rev-parse', 'topic']))
  await assert.rejects(twins.run(checkout, { ref: 'topic' }), tellsPaths('conflicts_unresolved', ['a']))
  await twins.ours.git(['add', 'a'])
  await assert.rejects(twins.run(checkout, { ref: 'topic' }), (error) => hasCode(error, 'already_in_progress'))
  await twins.run(checkout, { ref: 'topic', force: true })
  await twins.git('checkout', '--force', 'topic')
  await twins.expectEqual()
})

test('no force leads out of a rebase, which would go on from there', async (t) => {
  const twins = await makeTwins(t, conflicting)
  await twins.run(rebase, { onto: 'topic' })
  await assert.rejects(
    twins.run(checkout, { ref: 'topic', force: true }),
    (error) => hasCode(error, 'already_in_progress') && error.details['kind'] === 'rebase',
  )
})

test('what cannot be found, or means two things, is refused', async (t) => {
  const twins = await makeTwins(t, async (repository) => {
    await repository.commit({ files: { a: '1\n' } })
    await repository.branch('both')
    await repository.tag('both')
    await repository.git(['tag', 'tree', 'HEAD^{tree}'])
    await repository.git(['worktree', 'add', '-q', '-b', 'elsewhere', '../elsewhere'])
  })
  const cases = [
    ['nowhere', 'ref_not_found'],
    ['refs/heads/nowhere', 'ref_not_found'],
    ['nowhere~1', 'ref_not_found'],
    ['a', 'ref_not_found'],
    ['beef', 'ref_not_found'],
    ['HEAD~9', 'commit_not_found'],
    ['main~9', 'commit_not_found'],
    ['tree', 'commit_not_found'],
    ['b'.repeat(40), 'commit_not_found'],
    ['both', 'ref_ambiguous'],
    ['both~0', 'ref_ambiguous'],
    ['elsewhere', 'branch_in_use'],
    ['-f', 'ref_invalid'],
    ['--', 'ref_invalid'],
    [':/x', 'ref_invalid'],
    ['@{-1}', 'ref_invalid'],
    ['-', 'ref_invalid'],
    ['a\0b', 'ref_invalid'],
    ['../x', 'ref_invalid'],
    ['x'.repeat(5000), 'ref_invalid'],
    ['', 'ref_invalid'],
  ] as const
  for (const [ref, code] of cases) {
    await assert.rejects(twins.run(checkout, { ref }), (error) => hasCode(error, code), ref)
  }
  await twins.expectEqual()
})

test('an abbreviated id that begins several is ambiguous', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  const files = Object.fromEntries(Array.from({ length: 700 }, (_, index) => [`${index}`, `${index}\n`]))
  await repository.commit({ files })
  const ids = (await repository.git(['rev-parse', 'HEAD', ...Object.keys(files).map((name) => `HEAD:${name}`)])).split(
    '\n',
  )
  const count = new Map<string, number>()
  for (const id of ids) count.set(id.slice(0, 4), (count.get(id.slice(0, 4)) ?? 0) + 1)
  const short = [...count].find(([, times]) => times > 1)?.[0] ?? ''
  await assert.rejects(runOperation(checkout, dir, { ref: short }), (error) => hasCode(error, 'ref_ambiguous'))
})

test('from a branch without commits everything of the target is brought', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  const commit = await repository.commit({ branch: 'other', files: { a: '1\n' } })
  const git = fixedGit(dir)
  const { signal } = new AbortController()
  const context = { signal, refs: () => Promise.resolve([]), files: hostFiles(dir), upstream: noUpstream }
  assert.deepEqual(await checkout.blobs?.(git, { ref: 'other', force: false, detach: false }, context), [
    await repository.git(['rev-parse', 'other:a']),
  ])
  assert.deepEqual(await runOperation(checkout, dir, { ref: 'other' }, { git }), {
    head: { branch: 'other', commit },
    previous: { branch: 'main', commit: null },
  })
  await mkdir(join(dir, 'x'))
  assert.equal(
    checkout.plain({ head: { branch: 'b\u202e', commit }, previous: { branch: null, commit } }),
    `b\\u202e at ${commit.slice(0, 10)} (was detached at ${commit.slice(0, 10)})\n`,
  )
})
