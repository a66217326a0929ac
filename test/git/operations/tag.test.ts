import assert from 'node:assert/strict'
import test from 'node:test'
import { hasCode } from '../../../src/core/errors.ts'
import { tag } from '../../../src/git/operations/tag.ts'
import type { Repository } from '../../support/repository.ts'
import { makeTwins } from '../../support/twins.ts'

const twoCommits = async (repository: Repository) => {
  await repository.commit({ files: { a: '1\n' } })
  await repository.commit({ files: { a: '2\n' } })
}

for (const objectFormat of ['sha1', 'sha256'] as const) {
  test(`tags of both kinds are made, replaced and deleted as git does (${objectFormat})`, async (t) => {
    const twins = await makeTwins(t, twoCommits, { objectFormat })
    const [tip = '', first = ''] = (await twins.ours.git(['rev-parse', 'HEAD', 'HEAD~1'])).split('\n')
    assert.deepEqual(await twins.run(tag, { name: 'v1', revision: 'HEAD~1' }), {
      tag: 'v1',
      oid: first,
      commit: first,
      previous: null,
    })
    await twins.git('tag', 'v1', 'HEAD~1')
    await twins.expectEqual()
    const made = await twins.run(tag, { name: 'v1', message: 'Say\n\n#1 and #2\n', force: true })
    await twins.git('tag', '--force', '--annotate', '--cleanup=whitespace', '-m', 'Say\n\n#1 and #2\n', 'v1', 'HEAD')
    await twins.expectEqual()
    assert.deepEqual([made.commit, made.previous], [tip, first])
    assert.match(await twins.ours.git(['cat-file', '-p', 'v1']), /#1 and #2$/)
    const gone = await twins.run(tag, { name: 'v1', delete: true })
    await twins.git('tag', '--delete', 'v1')
    await twins.expectEqual()
    assert.deepEqual(gone, { tag: 'v1', oid: null, commit: tip, previous: made.oid })
    assert.equal(tag.plain(gone), `v1 ${made.oid?.slice(0, 10)} deleted\n`)
  })
}

test('the tagger and the moment may be given', async (t) => {
  const twins = await makeTwins(t, twoCommits)
  const tagger = { name: 'Zoë', email: 'zoe@example.com', date: '2024-03-04T05:06:07+02:00' }
  await twins.run(tag, { name: '-'.padStart(2, 'x'), message: '-m', tagger })
  const text = await twins.ours.git(['cat-file', '-p', 'refs/tags/x-'])
  assert.match(text, /^tagger Zoë <zoe@example\.com> 1709521567 \+0200\n\n-m$/m)
})

test('settings of the repository neither sign nor encode a tag', async (t) => {
  const twins = await makeTwins(t, twoCommits)
  await twins.both(async ({ git }) => {
    await git(['config', 'tag.gpgSign', 'true'])
    await git(['config', 'tag.forceSignAnnotated', 'true'])
    await git(['config', 'gpg.program', 'false'])
  })
  assert.notEqual((await twins.run(tag, { name: 'v1', message: 'é' })).oid, null)
})

test('what cannot be done is refused', async (t) => {
  const twins = await makeTwins(t, async (repository) => {
    await twoCommits(repository)
    await repository.tag('v1')
    await repository.git(['tag', 'tree', 'HEAD^{tree}'])
  })
  const cases = [
    [{ name: 'v1' }, 'ref_exists'],
    [{ name: 'v1', message: 'x' }, 'ref_exists'],
    [{ name: 'v1/x' }, 'ref_exists'],
    [{ name: 'v1/x', message: 'x' }, 'ref_exists'],
    [{ name: 'v2', delete: true }, 'ref_not_found'],
    [{ name: 'v2', sign: true }, 'signing_unavailable'],
    [{ name: 'v2', tagger: { name: 'a', email: 'b' } }, 'input_invalid'],
    [{ name: 'v2', message: ' \n' }, 'input_invalid'],
    [{ name: 'v2', message: 'a\0b' }, 'input_invalid'],
    [{ name: 'v2', message: 'x'.repeat(40_000) }, 'input_invalid'],
    [{ name: 'v2', message: 'x', tagger: { name: 'a\nb', email: 'b' } }, 'input_invalid'],
    [{ name: '-d' }, 'ref_invalid'],
    [{ name: 'HEAD' }, 'ref_invalid'],
    [{ name: 'a'.repeat(40) }, 'ref_invalid'],
    [{ name: 'refs/tags/x' }, 'ref_invalid'],
    [{ name: '' }, 'ref_invalid'],
  ] as const
  for (const [input, code] of cases) {
    await assert.rejects(twins.run(tag, input), (error) => hasCode(error, code), JSON.stringify(input))
  }
  await twins.expectEqual()
  // What leads to no commit can be deleted all the same.
  assert.equal((await twins.run(tag, { name: 'tree', delete: true })).commit, null)
})
