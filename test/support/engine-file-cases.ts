import assert from 'node:assert/strict'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import type { EngineCases } from './engine-cases.ts'

/** The files of a workspace. */
export function fileCases({ open }: EngineCases): void {
  test('files are bytes: read whole and in parts, from either end', async () => {
    const workspace = await open()
    const { files } = workspace
    const content = Buffer.from([0, 255, 10, 128, 13])
    assert.deepEqual(await files.write('new/bin', content, { isExecutable: true }), { existed: false, bytes: 5 })
    assert.deepEqual(await files.read('new/bin'), { content, size: 5, offset: 0, length: 5, isExecutable: true })
    for (const [range, expected] of [
      [{ offset: 1 }, [1, 4]],
      [{ offset: 1, length: 2 }, [1, 2]],
      [{ length: 2 }, [0, 2]],
      [{ offset: 2, length: 0 }, [2, 0]],
      [{ offset: 3, length: 100 }, [3, 2]],
      [{ offset: -2 }, [3, 2]],
      [{ offset: -4, length: 2 }, [1, 2]],
      [{ offset: -9 }, [0, 5]],
      [{ offset: 5 }, [5, 0]],
    ] as const) {
      const part = await files.read('new/bin', range)
      assert.deepEqual([part.offset, part.length, part.size], [...expected, 5], JSON.stringify(range))
      assert.deepEqual(part.content, content.subarray(expected[0], expected[0] + expected[1]))
    }
    await files.write('empty', new Uint8Array())
    assert.deepEqual((await files.read('empty')).content, Buffer.alloc(0))
    await workspace.close()
  })

  test('a file is read as a stream, whole and in parts, and may be left at any point', async () => {
    const workspace = await open()
    const { files } = workspace
    const content = Buffer.from(Array.from({ length: 3_000_000 }, (_, at) => at % 251))
    await files.write('large', content)
    for (const [range, offset, length] of [
      [{}, 0, 3_000_000],
      [{ offset: 1_000_000 }, 1_000_000, 2_000_000],
      [{ offset: 10, length: 0 }, 10, 0],
      [{ offset: -1_500_000, length: 1_400_000 }, 1_500_000, 1_400_000],
      [{ offset: 3_000_000 }, 3_000_000, 0],
    ] as const) {
      const { content: chunks, ...place } = await files.stream('large', range)
      assert.deepEqual(place, { size: 3_000_000, offset, length, isExecutable: false })
      assert(content.subarray(offset, offset + length).equals(await buffer(chunks)), JSON.stringify(range))
    }
    for await (const chunk of (await files.stream('large')).content) {
      assert(content.subarray(0, chunk.length).equals(chunk))
      break
    }
    // Not even begun.
    await (await files.stream('large')).content.return?.()
    const caller = new AbortController()
    const { content: rest } = await files.stream('large', { signal: caller.signal })
    caller.abort()
    await assert.rejects(buffer(rest), { code: 'canceled' })
    // Whoever left stands in nobody's way.
    await files.write('large', Buffer.from('small'))
    await assert.rejects(files.stream('none'), { code: 'path_not_found' })
    await assert.rejects(files.stream('src'), { code: 'path_blocked' })
    await assert.rejects(files.stream('../x'), { code: 'path_invalid' })
    await workspace.close()
  })

  test('a file is written from a stream, whole or not at all', async () => {
    const workspace = await open()
    const { files } = workspace
    async function* pieces(failure?: Error): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < 40; at++) yield Buffer.alloc(100_000, at)
      if (failure !== undefined) throw failure
    }
    assert.deepEqual(await files.write('large', pieces()), { existed: false, bytes: 4_000_000 })
    const failure = new Error('the source is gone')
    await assert.rejects(files.write('large', pieces(failure)), failure)
    assert.equal((await files.read('large', { length: 1 })).size, 4_000_000)
    await assert.rejects(files.write('none', pieces(failure)), failure)
    await assert.rejects(files.read('none'), { code: 'path_not_found' })
    // What is refused in the middle stands in nobody's way afterwards.
    for (const content of [pieces(), Buffer.alloc(1_000_000)]) {
      await assert.rejects(files.write('README.md/below', content), { code: 'path_blocked' })
      assert.equal((await files.read('large', { length: 1 })).size, 4_000_000)
    }
    await workspace.close()
  })

  test('names are whatever git allows, and directories are listed in part where that is asked for', async () => {
    const workspace = await open()
    const { files } = workspace
    const names = ['a b%2f', 'q?x=1#y', '-\\ü\n…', { base64: '/zE=' }] as const
    for (const name of names) await files.write(name, Buffer.from(JSON.stringify(name)))
    for (const name of names) assert.equal((await files.read(name)).content.toString(), JSON.stringify(name))
    const { entries, truncated } = await files.list(null)
    assert.deepEqual([entries.length, truncated], [names.length + 3, false])
    assert.deepEqual(
      entries.filter(({ name }) => typeof name !== 'string'),
      [{ name: { base64: '/zE=' }, kind: 'file', size: 17, target: null }],
    )
    const some = await files.list('src/', { limit: 1 })
    assert.deepEqual([some.entries.map(({ name }) => name), some.truncated], [['a.txt'], false])
    assert.equal((await files.list(null, { limit: 2 })).truncated, true)
    for (const name of names) assert.deepEqual(await files.remove(name), { kind: 'file' })
    await workspace.close()
  })

  test('removing and refusing are the same everywhere', async () => {
    const workspace = await open()
    const { files } = workspace
    await assert.rejects(files.remove('src'), { code: 'path_blocked' })
    assert.deepEqual(await files.remove('src', { recursive: true }), { kind: 'directory' })
    await assert.rejects(files.remove('src'), { code: 'path_not_found' })
    await assert.rejects(files.read('docs'), { code: 'path_blocked' })
    const refused = { code: 'path_invalid' }
    for (const path of [
      '',
      '/',
      '/etc/passwd',
      '../x',
      'a/../../x',
      './README.md',
      '.git/config',
      'a//b',
      'a\0b',
      '\ud800',
    ]) {
      await assert.rejects(files.read(path), refused, path)
      await assert.rejects(files.write(path, Buffer.from('x')), refused, path)
      await assert.rejects(files.list(path), refused, path)
      await assert.rejects(files.remove(path, { recursive: true }), refused, path)
    }
    await assert.rejects(files.read('docs/'), refused)
    await assert.rejects(files.write('docs/', Buffer.from('x')), refused)
    await workspace.close()
  })
}
