import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AppError } from '../../src/core/errors.ts'
import { ByteReader } from '../../src/git/byte-reader.ts'
import { contentOf, figure, fileKind, fileRefusal, readEntry, readVerdict } from '../../src/workspace/file-answer.ts'

async function* bytes(...parts: readonly (string | Buffer)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part)
}

const reader = (...parts: readonly (string | Buffer)[]) => new ByteReader(bytes(...parts))

test('an answer says yes or no and how, and what follows its line stays unread', async () => {
  const answer = reader('o', 'k 1 2', '3\nrest', ' of it')
  assert.deepEqual(await readVerdict(answer), { isOk: true, words: ['1', '23'] })
  assert.equal(Buffer.concat(await all(contentOf(answer, 10))).toString(), 'rest of it')
  assert.deepEqual(await readVerdict(reader('no missing 2\n')), { isOk: false, words: ['missing', '2'] })
})

test('content that is shorter or longer than it should be fails when it ends', async () => {
  for (const length of [3, 5])
    await assert.rejects(all(contentOf(reader('four'), length)), { code: 'sandbox_failed', message: /cut off/ })
  assert.deepEqual(await all(contentOf(reader(), 0)), [])
})

test('entries are read one by one, whatever bytes their names have', async () => {
  const list = reader('file 3\0a\nb\0\0symlink 2\0', Buffer.from([0xff, 0]), '..\0directory 40\0d\0\0')
  assert.deepEqual(await readEntry(list), { name: 'a\nb', kind: 'file', size: 3, target: null })
  assert.deepEqual(await readEntry(list), { name: { base64: '/w==' }, kind: 'symlink', size: 2, target: '..' })
  assert.deepEqual(await readEntry(list), { name: 'd', kind: 'directory', size: null, target: null })
  assert.equal(await readEntry(list), null)
})

test('whatever is no such answer is not believed', async () => {
  for (const line of ['', '\n', 'yes\n', 'OK 1\n', 'Segmentation fault\n'])
    await assert.rejects(readVerdict(reader(line)), { code: 'sandbox_failed' })
  for (const word of [undefined, '', '-1', '1.5', '1e3', '0x1', '9007199254740993', 'nan'])
    assert.throws(() => figure(word), { code: 'sandbox_failed' })
  for (const word of [undefined, '', 'door', 'toString'])
    assert.throws(() => fileKind(word), { code: 'sandbox_failed' })
  for (const entry of ['door 1\0a\0\0', 'file\0a\0\0', 'file 1\0a\0'])
    await assert.rejects(readEntry(reader(entry)), { code: 'sandbox_failed' })
  for (const words of [[], ['toString', '1'], ['missing'], ['missing', 'x']])
    assert.throws(() => fileRefusal('read the file', Buffer.from('a'), words), { code: 'sandbox_failed' })
})

test('a refusal names the part of the path that is in the way, byte for byte', () => {
  const path = Buffer.from('a/\xff/c', 'latin1')
  const facts = (depth: string) => {
    const { code, message, details } = refusal(path, ['symlink', depth])
    assert.deepEqual([code, message], ['path_blocked', 'Cannot read the file: a link is in the way'])
    assert.deepEqual(details['path'], { base64: path.toString('base64') })
    return details['at']
  }
  assert.deepEqual(['0', '1', '2', '3'].map(facts), [
    null,
    'a',
    { base64: path.subarray(0, 3).toString('base64') },
    { base64: path.toString('base64') },
  ])
  assert.deepEqual(refusal(Buffer.alloc(0), ['forbidden', '0']).details, { path: null, at: null })
})

function refusal(path: Buffer, words: readonly string[]): AppError {
  return fileRefusal('read the file', path, words)
}

async function all(content: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const parts: Uint8Array[] = []
  for await (const part of content) parts.push(part)
  return parts
}
