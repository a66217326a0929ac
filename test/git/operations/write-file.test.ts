import assert from 'node:assert/strict'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { AppError, hasCode } from '../../../src/core/errors.ts'
import { toExactText } from '../../../src/git/bytes.ts'
import { writeFile } from '../../../src/git/operations/write-file.ts'
import { runOperation, scratchDir } from '../../support/operation-run.ts'
import { makeRepository } from '../../support/repository.ts'
import { oddBytes, oddNames } from '../../support/rich-repository.ts'

const modeOf = async (dir: string, path: string) => ((await stat(join(dir, path))).mode & 0o777).toString(8)

test('a file is written whole, in directories that are made for it', async (t) => {
  const dir = await scratchDir(t)
  await makeRepository(dir)
  const path = 'a/b/c.txt'
  const first = await runOperation(writeFile, dir, { path, content: 'é\r\nlast' })
  assert.deepEqual(first, { path, bytes: 8, existed: false })
  assert.equal(await readFile(join(dir, path), 'utf8'), 'é\r\nlast')
  const again = await runOperation(writeFile, dir, { path, contentBase64: '/wA=' })
  assert.deepEqual(again, { path, bytes: 2, existed: true })
  assert.deepEqual(await readFile(join(dir, path)), Buffer.from([0xff, 0]))
  assert.deepEqual((await runOperation(writeFile, dir, { path, content: '' })).bytes, 0)
  assert.equal(writeFile.plain({ path: 'x\u001b', bytes: 2, existed: true }), 'replaced x\\x1b, 2 bytes\n')
})

test('the mode stays unless asked for', async (t) => {
  const dir = await scratchDir(t)
  await makeRepository(dir)
  const write = (executable: boolean | null) => runOperation(writeFile, dir, { path: 'x', content: 'x', executable })
  await write(null)
  assert.equal(await modeOf(dir, 'x'), '644')
  await write(true)
  assert.equal(await modeOf(dir, 'x'), '755')
  await write(null)
  assert.equal(await modeOf(dir, 'x'), '755')
  await write(false)
  assert.equal(await modeOf(dir, 'x'), '644')
})

test('odd names are names like any other', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  const paths = [...oddNames, { base64: oddBytes.toString('base64') }]
  for (const path of paths) await runOperation(writeFile, dir, { path, content: 'x' })
  const listed = (await repository.gitBytes(['ls-files', '--others', '-z'])).toString('latin1').split('\0').slice(0, -1)
  const names = listed.map((name) => JSON.stringify(toExactText(Buffer.from(name, 'latin1'))))
  assert.deepEqual(new Set(names), new Set(paths.map((path) => JSON.stringify(path))))
})

test('exactly one content is taken, well-formed and of a bearable size', async (t) => {
  const dir = await scratchDir(t)
  await makeRepository(dir)
  const big = 67_108_864
  for (const input of [
    {},
    { content: 'a', contentBase64: 'YQ==' },
    { content: '\ud800' },
    { contentBase64: 'a' },
    { contentBase64: '*' },
    { content: 'x'.repeat(big + 1) },
    { contentBase64: Buffer.alloc(big + 1).toString('base64') },
  ]) {
    await assert.rejects(runOperation(writeFile, dir, { path: 'x', ...input }), (error) =>
      hasCode(error, 'input_invalid'),
    )
  }
  assert.equal((await runOperation(writeFile, dir, { path: 'x', content: 'x'.repeat(big) })).bytes, big)
})

test('paths that are no file of the worktree are refused', async (t) => {
  const dir = await scratchDir(t)
  await makeRepository(dir)
  for (const path of ['', '/etc/passwd', '../x', 'a/../../x', '.git/hooks/x', 'a/.GIT/config', 'a/', 'a\0b', 'a//b']) {
    await assert.rejects(
      runOperation(writeFile, dir, { path, content: 'x' }),
      (error) => hasCode(error, 'path_invalid'),
      JSON.stringify(path),
    )
  }
})

test('what is in the way is told by those who write', async (t) => {
  const dir = await scratchDir(t)
  await makeRepository(dir)
  const files = {
    async write(): Promise<never> {
      throw new AppError('path_blocked', 'Cannot write the file: a link is in the way')
    },
  }
  await assert.rejects(runOperation(writeFile, dir, { path: 'x', content: '' }, { files }), (error) =>
    hasCode(error, 'path_blocked'),
  )
})
