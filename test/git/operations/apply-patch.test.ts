import assert from 'node:assert/strict'
import { chmod, mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { hasCode } from '../../../src/core/errors.ts'
import { toExactText } from '../../../src/git/bytes.ts'
import { applyPatch } from '../../../src/git/operations/apply-patch.ts'
import { diff } from '../../../src/git/operations/diff.ts'
import { runOperation } from '../../support/operation-run.ts'
import { oddBytes, oddNames } from '../../support/rich-repository.ts'
import { filesOf, makeTwins, runInWorkspace, stateOf } from '../../support/workspace-run.ts'

for (const objectFormat of ['sha1', 'sha256'] as const) {
  for (const index of [false, true]) {
    test(`a patch of everything leaves what git leaves (${objectFormat}${index ? ', staged' : ''})`, async (t) => {
      const { ours, theirs, both } = await makeTwins(t, { objectFormat })
      await both(({ git, first }) => git(['reset', '--quiet', '--hard', first]))
      const flags = ['diff-tree', '-p', '-r', '--binary', '--full-index']
      const bytes = await ours.gitBytes([...flags, '-C', ours.first, ours.last])
      const value = await runInWorkspace(applyPatch, ours.dir, { patch: toExactText(bytes), index })
      await theirs.git(['apply', ...(index ? ['--index'] : [])], { input: bytes })
      assert.deepEqual(await stateOf(ours), await stateOf(theirs))
      assert.deepEqual([value.applied, value.conflicts], [true, []])

      // The same files, kinds and counts that comparing the commits tells; there a type change is one record, here two.
      const paths = value.files.map(({ path }) => path)
      const told = await runOperation(diff, ours.dir, { from: ours.first, to: ours.last, copies: true, patch: false })
      const expected = told.files
        .filter(({ status }) => status !== 'type-changed')
        .map(({ path, oldPath, status, additions, deletions }) => ({ path, oldPath, status, additions, deletions }))
      assert.deepEqual(
        value.files.filter(({ path }) => path !== 'turns'),
        expected,
      )
      assert.deepEqual(
        value.files.filter(({ path }) => path === 'turns').map(({ status }) => status),
        ['deleted', 'added'],
      )
      assert.ok(paths.length > 8)

      // A copy cannot be taken back by name.
      await both(({ git, last }) => git(['reset', '--quiet', '--hard', last]))
      const renames = await ours.gitBytes([...flags, '-M', ours.first, ours.last])
      const back = await runInWorkspace(applyPatch, ours.dir, { patch: toExactText(renames), index, reverse: true })
      await theirs.git(['apply', '--reverse', ...(index ? ['--index'] : [])], { input: renames })
      assert.deepEqual(await stateOf(ours), await stateOf(theirs))
      const statuses = Object.fromEntries(back.files.map(({ path, status }) => [JSON.stringify(path), status]))
      assert.equal(statuses['"gone.txt"'], 'added')
      assert.equal(statuses['"src/long.txt"'], 'renamed')
    })
  }
}

test('odd names come and go, and are told exactly', async (t) => {
  const { ours } = await makeTwins(t)
  const names = [...oddNames, 'a => b', 'x\n create mode 100644 README.md', '{a => b}/c', '$&(.*)', 'mode 100644 x']
  for (const name of names) {
    const [from, to] = [join(ours.dir, name), join(ours.dir, 'sub', name)]
    await mkdir(join(ours.dir, 'sub', name, '..'), { recursive: true })
    await mkdir(join(from, '..'), { recursive: true })
    await writeFile(from, 'some\ncontent\n')
    await ours.git(['add', '--all'])
    await ours.git(['commit', '--quiet', '--allow-empty', '--message=x'])
    await rename(from, to)
    await chmod(to, 0o755)
    await writeFile(join(ours.dir, 'README.md'), `${name}\n`)
    await ours.git(['add', '--all'])
    const patch = toExactText(await ours.gitBytes(['diff', '--cached', '-M']))
    await ours.git(['reset', '--quiet', '--hard'])
    const { files } = await runInWorkspace(applyPatch, ours.dir, { patch, index: true })
    const told = new Set(files.map(({ path, oldPath, status }) => JSON.stringify([path, oldPath, status])))
    const expected = [
      ['README.md', null, 'modified'],
      [`sub/${name}`, name, 'renamed'],
    ]
    assert.deepEqual(told, new Set(expected.map((one) => JSON.stringify(one))))
    const statuses = await runInWorkspace(applyPatch, ours.dir, { patch, reverse: true })
    assert.equal(statuses.files.find(({ oldPath }) => oldPath === `sub/${name}`)?.path, name)
    await ours.git(['reset', '--quiet', '--hard'])
  }
  const [added] = (
    await runInWorkspace(applyPatch, ours.dir, {
      patch: 'diff --git "a/\\377" "b/\\377"\nnew file mode 100755\n--- /dev/null\n+++ "b/\\377"\n@@ -0,0 +1 @@\n+x\n',
    })
  ).files
  assert.deepEqual([added?.path, added?.status], [{ base64: '/w==' }, 'added'])
  assert.equal((await filesOf(ours.dir))['\u00ff'], '100755 x\n')
  assert.ok(oddBytes.length > 0)
})

test('trying changes nothing', async (t) => {
  const { ours } = await makeTwins(t)
  await writeFile(join(ours.dir, 'tool'), 'changed\n')
  const before = await stateOf(ours)
  const patch = await ours.git(['diff', 'HEAD~1^2', 'HEAD', '--', 'README.md']).then((text) => `${text}\n`)
  const value = await runInWorkspace(applyPatch, ours.dir, { patch, reverse: true, check: true })
  assert.deepEqual([value.applied, value.files.length], [false, 1])
  await assert.rejects(runInWorkspace(applyPatch, ours.dir, { patch, check: true }), (error) =>
    hasCode(error, 'patch_rejected'),
  )
  await assert.rejects(runInWorkspace(applyPatch, ours.dir, { patch, check: true, threeWay: true }), (error) =>
    hasCode(error, 'input_invalid'),
  )
  assert.deepEqual(await stateOf(ours), before)
})

test('three ways merge, or leave conflicts as values', async (t) => {
  const { ours, theirs, both } = await makeTwins(t)
  await both(({ git, first }) => git(['reset', '--quiet', '--hard', first]))
  const change = async (line: string) => {
    const text = (await ours.git(['show', `${ours.first}:src/long.txt`])).replace('line 20\n', `${line}\n`)
    await writeFile(join(ours.dir, 'src/long.txt'), `${text}\n`)
    await writeFile(join(ours.dir, 'new'), '')
    await ours.git(['add', '--all'])
    const patch = `${await ours.git(['diff', '--cached', '--full-index'])}\n`
    await ours.git(['reset', '--quiet', '--hard'])
    return patch
  }
  const patch = await change('theirs')
  await both(async ({ dir, git }) => {
    await writeFile(
      join(dir, 'src/long.txt'),
      `first\n${await git(['show', 'HEAD:src/long.txt'])}\n`.replace('line 22', 'x'),
    )
    await git(['commit', '--quiet', '--all', '--message=x'])
  })
  await assert.rejects(runInWorkspace(applyPatch, ours.dir, { patch }), (error) => hasCode(error, 'patch_rejected'))
  assert.equal((await runInWorkspace(applyPatch, ours.dir, { patch, threeWay: true })).applied, true)
  await theirs.git(['apply', '--3way'], { input: patch })
  assert.deepEqual(await stateOf(ours), await stateOf(theirs))

  await both(async ({ dir, git }) => {
    await git(['reset', '--quiet', '--hard'])
    await writeFile(
      join(dir, 'src/long.txt'),
      (await git(['show', 'HEAD:src/long.txt'])).replace('line 20\n', 'ours\n'),
    )
    await git(['commit', '--quiet', '--all', '--message=y'])
  })
  const { applied, conflicts, files } = await runInWorkspace(applyPatch, ours.dir, { patch, threeWay: true })
  await theirs.git(['apply', '--3way'], { input: patch, okExitCodes: [1] })
  assert.deepEqual(await stateOf(ours), await stateOf(theirs))
  assert.deepEqual(
    [applied, files.length, conflicts.map(({ path, markers }) => [path, markers])],
    [false, 2, [['src/long.txt', true]]],
  )
  assert.match(
    applyPatch.plain({ applied, conflicts, files, truncated: false }),
    /^A\tnew\nM\tsrc\/long.txt\nconflict in src\/long.txt\n$/,
  )
})
