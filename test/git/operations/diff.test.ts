import assert from 'node:assert/strict'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { hasCode } from '../../../src/core/errors.ts'
import { exactBytes, toExactText, type ExactText } from '../../../src/git/bytes.ts'
import { diff } from '../../../src/git/operations/diff.ts'
import { makeRepository } from '../../support/repository.ts'
import { lfsPointer, makeRichRepository, oddBytes } from '../../support/rich-repository.ts'
import { runOperation, scratchDir } from '../../support/operation-run.ts'

const plainOf = (text: ExactText | null | undefined) => exactBytes(text ?? '').toString()
const key = (path: ExactText) => exactBytes(path).toString('latin1')

for (const objectFormat of ['sha1', 'sha256'] as const) {
  test(`every kind of change is told as git tells it (${objectFormat})`, async (t) => {
    const dir = await scratchDir(t)
    const { first, second, ...repository } = await makeRichRepository(dir, { objectFormat })
    const value = await runOperation(diff, dir, { from: first, to: second, copies: true })
    const files = new Map(value.files.map((file) => [key(file.path), file]))

    const raw = await repository.gitBytes(['diff-tree', '-r', '-C', '--name-status', '-z', first, second])
    const fields = raw.toString('latin1').split('\0').slice(0, -1)
    const expected: string[] = []
    while (fields.length > 0) {
      const status = fields.shift() ?? ''
      expected.push(
        /^[RC]/.test(status) ? `${status} ${fields.shift()} ${fields.shift()}` : `${status} ${fields.shift()}`,
      )
    }
    const letters = {
      added: 'A',
      deleted: 'D',
      modified: 'M',
      'type-changed': 'T',
      renamed: 'R',
      copied: 'C',
      unmerged: 'U',
    }
    const told = value.files.map(({ status, score, path, oldPath }) => {
      const mark = `${letters[status]}${score === null ? '' : `${score}`.padStart(3, '0')}`
      return `${mark} ${oldPath === null ? '' : `${key(oldPath)} `}${key(path)}`
    })
    assert.deepEqual(told, expected)

    assert.deepEqual(files.get('lib/long.txt')?.oldPath, 'src/long.txt')
    assert.equal(files.get('lib/same.txt')?.score, 100)
    assert.equal(files.get('lib/copy.txt')?.status, 'copied')
    assert.equal(files.get('lib/copy.txt')?.oldPath, 'src/copied.txt')
    assert.deepEqual([files.get('tool')?.oldMode, files.get('tool')?.newMode], ['100644', '100755'])
    assert.deepEqual([files.get('turns')?.status, files.get('turns')?.oldMode], ['type-changed', '120000'])
    assert.deepEqual([files.get('data.bin')?.binary, files.get('data.bin')?.additions], [true, null])
    assert.deepEqual([files.get('module')?.newMode, files.get('module')?.newOid], ['160000', first])
    assert.equal(files.get('gone.txt')?.newOid, null)
    assert.deepEqual(files.get(oddBytes.toString('latin1'))?.path, { base64: oddBytes.toString('base64') })
    assert.match(plainOf(files.get('crlf.txt')?.patch), /-two\r\n\+two changed\r\n/)
    assert.equal(value.truncated, false)

    const numstat = (await repository.git(['diff-tree', '-r', '-C', '--shortstat', first, second])).trim()
    const { totals } = value
    assert.equal(
      `${totals.files} files changed, ${totals.additions} insertions(+), ${totals.deletions} deletions(-)`,
      numstat,
    )

    // All patches together are git's own patch.
    const whole = await repository.gitBytes(['diff-tree', '-r', '-C', '-p', '--full-index', first, second])
    const joined = Buffer.concat(value.files.map(({ patch }) => (patch === null ? Buffer.alloc(0) : exactBytes(patch))))
    assert.ok(joined.equals(whole))
  })
}

test('a patch belongs to its file, whatever the names and contents look like', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  const trap = 'diff --git a/x b/x\nnew file mode 100644\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n'
  const names = ['a b/x', 'x b/x', 'diff --git a', 'x', '"x"', '\n', 'b/a b/b'].map((name) => Buffer.from(name))
  const from = await repository.commit({ files: names.map((name) => [name, trap] as const) })
  const to = await repository.commit({
    files: [Buffer.from([0xfe]), ...names].map(
      (name) => [name, Buffer.concat([trap, name].map((part) => Buffer.from(part)))] as const,
    ),
  })
  const { files } = await runOperation(diff, dir, { from, to })
  for (const { path, patch } of files) {
    const alone = await runOperation(diff, dir, { from, to, paths: [path] })
    assert.deepEqual(
      alone.files.map((file) => file.patch),
      [patch],
    )
  }
  assert.deepEqual(
    files.map(({ path }) => key(path)).toSorted(),
    [Buffer.from([0xfe]), ...names].map((name) => name.toString('latin1')).toSorted(),
  )
})

test('whitespace alone can be ignored', async (t) => {
  const dir = await scratchDir(t)
  const { first, second } = await makeRichRepository(dir)
  const { files } = await runOperation(diff, dir, { from: first, to: second, ignoreWhitespace: true })
  const readme = files.find(({ path }) => path === 'README.md')
  assert.deepEqual([readme?.additions, readme?.deletions, readme?.patch], [0, 0, null])
  assert.match(plainOf(files.find(({ path }) => path === 'crlf.txt')?.patch), /two changed/)
})

test('an empty diff is a value', async (t) => {
  const dir = await scratchDir(t)
  const { merged, last } = await makeRichRepository(dir)
  const value = await runOperation(diff, dir, { from: merged, to: last })
  assert.deepEqual(value, {
    from: merged,
    to: last,
    files: [],
    totals: { files: 0, additions: 0, deletions: 0 },
    truncated: false,
  })
})

test('patches are kept whole as long as they end within maxBytes, and not beyond', async (t) => {
  const dir = await scratchDir(t)
  const { first, second } = await makeRichRepository(dir)
  const { files } = await runOperation(diff, dir, { from: first, to: second })
  const ends: number[] = []
  for (const { patch } of files) ends.push((ends.at(-1) ?? 0) + (patch === null ? 0 : exactBytes(patch).length))
  for (const index of [0, 3, files.length - 2, files.length - 1])
    for (const maxBytes of [ends[index] ?? 0, (ends[index] ?? 0) - 1]) {
      const cut = await runOperation(diff, dir, { from: first, to: second, maxBytes })
      for (const [at, { patch, truncated }] of cut.files.entries()) {
        const isKept = (ends[at] ?? 0) <= maxBytes
        assert.deepEqual([patch, truncated], isKept ? [files[at]?.patch, false] : [null, true], `${at} of ${maxBytes}`)
      }
      assert.equal(cut.truncated, maxBytes < (ends.at(-1) ?? 0))
    }
})

test('limits cut files and patches and say so, while the totals stay whole', async (t) => {
  const dir = await scratchDir(t)
  const { first, second } = await makeRichRepository(dir)
  const whole = await runOperation(diff, dir, { from: first, to: second })
  const few = await runOperation(diff, dir, { from: first, to: second, limit: 2 })
  assert.deepEqual([few.files.length, few.truncated, few.totals], [2, true, whole.totals])
  assert.deepEqual(few.files, whole.files.slice(0, 2))

  const small = await runOperation(diff, dir, { from: first, to: second, maxBytes: 700 })
  assert.equal(small.truncated, true)
  assert.ok(small.files.reduce((sum, { patch }) => sum + (patch === null ? 0 : exactBytes(patch).length), 0) <= 700)
  for (const [index, file] of small.files.entries()) {
    if (!file.truncated) assert.deepEqual(file, whole.files[index])
    else assert.equal(file.patch, null)
  }
  const names = await runOperation(diff, dir, { from: first, to: second, patch: false })
  assert.deepEqual([names.truncated, names.files.every(({ patch }) => patch === null)], [false, true])
})

test('three dots compare with the merge base, and unrelated histories are told', async (t) => {
  const dir = await scratchDir(t)
  const { first, second, topic, ...repository } = await makeRichRepository(dir)
  const { from, files } = await runOperation(diff, dir, { from: second, to: topic, mergeBase: true })
  assert.equal(from, first)
  assert.deepEqual(
    files.map(({ path }) => path),
    ['topic.txt'],
  )
  const stranger = await repository.commit({ branch: 'stranger', parents: [] })
  await assert.rejects(runOperation(diff, dir, { from: second, to: stranger, mergeBase: true }), (error) =>
    hasCode(error, 'histories_unrelated'),
  )
})

test('paths are literal and may look like anything', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  const names = ['*', ':(top)x', ':!x', '-rf', '--output=x', 'x']
  const from = await repository.commit({ files: { keep: '' } })
  const to = await repository.commit({ files: names.map((name) => [name, name] as const) })
  for (const name of names) {
    const { files } = await runOperation(diff, dir, { from, to, paths: [name] })
    assert.deepEqual(
      files.map(({ path }) => path),
      [name],
    )
  }
  const bytes = toExactText(oddBytes)
  const odd = await repository.commit({ files: [[oddBytes, 'x']] })
  assert.deepEqual(
    (await runOperation(diff, dir, { from: to, to: odd, paths: [bytes] })).files.map(({ path }) => path),
    [bytes],
  )
})

test('two thousand moved and edited files are answered within the rename limit', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  const content = (index: number, edit: string) => `${`${index} `.repeat(40)}\n${edit}\n`
  const indexes = Array.from({ length: 2000 }, (_, index) => index)
  const from = await repository.commit({
    files: indexes.map((index) => [`old/${index}`, content(index, 'a')] as const),
  })
  const to = await repository.commit({
    files: indexes.map((index) => [`new/x${index}`, content(index, 'b')] as const),
    delete: ['old'],
  })
  const { totals, files } = await runOperation(diff, dir, { from, to, patch: false, limit: 10_000 })
  // Beyond the limit git no longer compares contents: the move shows as deletions and additions.
  assert.equal(totals.files, 4000)
  assert.ok(files.every(({ status }) => status === 'added' || status === 'deleted'))
})

test('attributes, filters and the worktree never change a comparison of commits', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  const attributes = '*.txt -diff filter=evil diff=evil eol=crlf\n'
  const from = await repository.commit({ files: { 'a.txt': 'one\n', '.gitattributes': attributes } })
  const to = await repository.commit({ files: { 'a.txt': 'two\n' } })
  await repository.checkout()
  const proof = join(dir, 'ran')
  for (const name of ['diff.evil.textconv', 'diff.evil.command', 'filter.evil.clean', 'filter.evil.smudge']) {
    await repository.git(['config', name, `touch ${proof}; cat`])
  }
  const { files } = await runOperation(diff, dir, { from, to })
  assert.match(plainOf(files[0]?.patch), /-one\n\+two\n/)
  await assert.rejects(access(proof), { code: 'ENOENT' })
  // Unprotected git runs the repository's program.
  await repository.git(['diff', from, to], { okExitCodes: [0, 128] })
  await access(proof)
})

test('an LFS pointer is compared as the text it is', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  const from = await repository.commit({
    files: { 'big.psd': lfsPointer, '.gitattributes': '*.psd filter=lfs diff=lfs merge=lfs -text\n' },
  })
  const to = await repository.commit({ files: { 'big.psd': lfsPointer.replace('12345', '54321') } })
  assert.match(plainOf((await runOperation(diff, dir, { from, to })).files[0]?.patch), /-size 12345\n\+size 54321\n/)
})
