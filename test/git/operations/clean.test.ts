import assert from 'node:assert/strict'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { hasCode } from '../../../src/core/errors.ts'
import { exactBytes, toExactText } from '../../../src/git/bytes.ts'
import { clean } from '../../../src/git/operations/clean.ts'
import { scratchDir } from '../../support/operation-run.ts'
import { makeRepository, type Repository } from '../../support/repository.ts'
import { oddBytes, oddNames } from '../../support/rich-repository.ts'
import { filesOf, makeTwins, runInWorkspace, stateOf } from '../../support/workspace-run.ts'

const bytes = [...oddNames.map((name) => Buffer.from(`new/${name}`)), Buffer.concat([Buffer.from('new/'), oddBytes])]

/** Unknown files of every kind and in every place, two nested repositories among them. */
async function litter({ dir }: Repository): Promise<void> {
  for (const path of ['new/deep', 'lib/new', 'mixed', 'build', 'empty/very'])
    await mkdir(join(dir, path), { recursive: true })
  for (const path of [
    ...bytes,
    ...['new/deep/x', 'lib/new/x', 'lib/x', 'x.log', 'mixed/x', 'mixed/x.log', 'build/x'],
  ]) {
    await writeFile(Buffer.concat([Buffer.from(`${dir}/`), Buffer.from(path)]), '')
  }
  await symlink('/etc', join(dir, 'new/link'))
  for (const path of ['nested', 'new/nested']) {
    const nested = await makeRepository(join(dir, path))
    await writeFile(join(nested.dir, 'precious'), '')
  }
  await mkdir(join(dir, '.git/info'))
  await writeFile(join(dir, '.git/info/exclude'), '*.log\nbuild\n')
}

const ways = [
  [{}, ['-d']],
  [{ directories: false }, []],
  [{ ignored: 'also' }, ['-d', '-x']],
  [{ ignored: 'only' }, ['-d', '-X']],
  [{ ignored: 'also', directories: false }, ['-x']],
  [{ ignored: 'only', directories: false }, ['-X']],
  [{ paths: ['new'], directories: false }, ['--', 'new']],
  [
    { paths: ['lib/', 'mixed', 'build', 'nested', 'nowhere', 'README.md'] },
    ['-d', '--', 'lib/', 'mixed', 'build', 'nested', 'nowhere', 'README.md'],
  ],
  [{ paths: ['new/*', '-rf', 'x.log'], ignored: 'also' }, ['-d', '-x', '--', 'new/*', '-rf', 'x.log']],
] as const

for (const [index, [input, flags]] of ways.entries()) {
  const objectFormat = index % 2 === 0 ? 'sha1' : 'sha256'
  test(`clean ${JSON.stringify(input)} removes what git removes, and foretells it (${objectFormat})`, async (t) => {
    const { ours, theirs, both } = await makeTwins(t, { objectFormat })
    await both(litter)
    const before = await stateOf(ours)
    const asked = { ...input, paths: [...('paths' in input ? input.paths : [])] }
    const foretold = await runInWorkspace(clean, ours.dir, asked)
    assert.deepEqual(await stateOf(ours), before)
    const value = await runInWorkspace(clean, ours.dir, { ...asked, dryRun: false })
    await theirs.git(['--literal-pathspecs', 'clean', '--force', ...flags])
    assert.deepEqual(await stateOf(ours), await stateOf(theirs))

    const now = await filesOf(ours.dir)
    const gone = Object.keys(before['files'] as object).filter((path) => !(path in now))
    assert.deepEqual(value.removed.map((path) => exactBytes(path).toString('latin1')).toSorted(), gone)
    assert.deepEqual(foretold, { ...value, dryRun: true })
    assert.ok('nested/precious' in now && 'new/nested/precious' in now)
  })
}

test('no more is told than asked for', async (t) => {
  const { ours } = await makeTwins(t)
  await litter(ours)
  const { removed, truncated } = await runInWorkspace(clean, ours.dir, { limit: 2, dryRun: false })
  assert.deepEqual([removed, truncated], [['lib/new/x', 'lib/x'], true])
  assert.deepEqual(await runInWorkspace(clean, ours.dir, {}), { dryRun: true, removed: [], truncated: false })
  assert.equal(clean.plain({ dryRun: true, removed: ['a\nb'], truncated: false }), 'would remove a\\nb\n')
  assert.equal(clean.plain({ dryRun: false, removed: [toExactText(oddBytes)], truncated: false }).split('\n').length, 2)
})

test('links are removed, never followed', async (t) => {
  const { ours } = await makeTwins(t)
  const outside = await scratchDir(t)
  await writeFile(join(outside, 'precious'), '')
  await symlink(outside, join(ours.dir, 'way-out'))
  const { removed } = await runInWorkspace(clean, ours.dir, { dryRun: false, ignored: 'also' })
  assert.deepEqual([removed, Object.keys(await filesOf(outside))], [['way-out'], ['precious']])
})

test('paths outside are refused', async (t) => {
  const { ours } = await makeTwins(t)
  for (const path of ['../x', '/x', '.git', '.git/config', '']) {
    await assert.rejects(runInWorkspace(clean, ours.dir, { paths: [path] }), (error) => hasCode(error, 'path_invalid'))
  }
})
