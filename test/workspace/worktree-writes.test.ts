import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { hasCode } from '../../src/core/errors.ts'
import type { Sandbox, SandboxDriver, Upper } from '../../src/sandbox/contract.ts'
import { withSandbox } from '../../src/workspace/place.ts'
import { shortFiles, withoutNamelessFiles } from '../support/live-files.ts'
import { enterableFolder, openDriver, run, shell, specOf } from '../support/local-sandboxes.ts'
import { processesOf, tracesOf } from '../support/traces.ts'

const signal = new AbortController().signal
const mebibyte = 1024 ** 2
const stateDir = `${enterableFolder()}/state`
let driver: SandboxDriver

before(async () => {
  driver = await openDriver(stateDir)
})
after(async () => {
  await driver.close()
  assert.deepEqual(tracesOf(stateDir), [])
})

/** Every file below the top and its content; directories may be left of a write. */
const allFiles = (sandbox: Sandbox) => shell(sandbox, 'find . ! -type d | sort; find . -type f -exec cat {} +')

for (const hasNameless of [true, false])
  describe(`where overlayfs has ${hasNameless ? '' : 'no '}files without a name`, () => {
    function inSandbox(upper: Upper, limits: object, use: (sandbox: Sandbox) => Promise<void>): Promise<void> {
      const onKernel = (sandbox: Sandbox) => use(hasNameless ? sandbox : withoutNamelessFiles(sandbox))
      return withSandbox(driver, specOf({ upper, limits }), onKernel, { signal })
    }

    test('writes of one file at once leave one of them whole, and readers see none in halves', async () => {
      await inSandbox('memory', {}, async (sandbox) => {
        const { read, write, names } = shortFiles(sandbox)
        const content = (letter: string) => letter.repeat(300_000)
        const letters = 'abcdefgh'.split('')
        const writes = letters.map((letter) => write('new/dir/file', content(letter)))
        const existed = (await Promise.all(writes)).map((written) => written.existed)
        // Only where they have no names till then, one is sure to be the first.
        assert.ok(hasNameless ? existed.filter((each) => !each).length === 1 : existed.includes(false))
        const asks = letters.flatMap((letter) => [write('new/dir/file', content(letter)), read('new/dir/file')])
        for (const ended of await Promise.all(asks)) {
          const text = 'existed' in ended ? content('a') : ended.bytes.toString()
          assert.ok(letters.some((letter) => text === content(letter)))
        }
        assert.deepEqual(await names('new/dir'), ['file'])
      })
    })

    test('a write that is given up, or whose content breaks off, leaves all files as they were', async () => {
      await inSandbox('memory', {}, async (sandbox) => {
        const { files, write } = shortFiles(sandbox)
        await write('old', 'old')
        const idle = processesOf(stateDir)
        const before = await allFiles(sandbox)
        for (const path of ['old', 'new', 'deep/down/new']) {
          const caller = new AbortController()
          async function* silent(): AsyncGenerator<Uint8Array> {
            yield Buffer.alloc(3 * mebibyte, 'x')
            caller.abort(new Error('enough'))
            await new Promise(() => {})
          }
          async function* breaking(): AsyncGenerator<Uint8Array> {
            yield Buffer.alloc(3 * mebibyte, 'x')
            throw new Error('the source broke')
          }
          const given = files.write(path, silent(), { isExecutable: null, signal: caller.signal })
          await assert.rejects(given, { code: 'canceled' })
          await assert.rejects(write(path, breaking()), /the source broke/)
          const late = files.write(path, Buffer.from('x'), { isExecutable: null, signal: caller.signal })
          await assert.rejects(late, { code: 'canceled' })
          assert.equal(await allFiles(sandbox), before)
          assert.deepEqual(processesOf(stateDir), idle)
        }
      })
    })

    test('a write given up at any moment leaves the old content or the new, and nothing else', async () => {
      await inSandbox('memory', {}, async (sandbox) => {
        const { files, text, write } = shortFiles(sandbox)
        await write('file', 'old')
        const outcomes = new Set<boolean>()
        for (let turn = 0, kept = 'old'; turn < 39; turn += 1) {
          const content = `${turn} `.repeat(50_000)
          const caller = new AbortController()
          async function* source(): AsyncGenerator<Uint8Array> {
            for (let at = 0; at < 10; at += 1) {
              if (at === turn % 13) caller.abort()
              yield Buffer.from(content.slice((content.length / 10) * at, (content.length / 10) * (at + 1)))
            }
            if (turn % 13 === 10) setImmediate(() => caller.abort())
            if (turn % 13 === 11) process.nextTick(() => caller.abort())
          }
          const written = files.write('file', source(), { isExecutable: null, signal: caller.signal })
          const isDone = await written.then(
            () => true,
            (error: unknown) => {
              assert.ok(hasCode(error, 'canceled'), String(error))
              return false
            },
          )
          const now = await text('file')
          assert.ok(now === content || (now === kept && !isDone))
          kept = now
          outcomes.add(isDone)
          assert.equal(await shell(sandbox, 'ls -A'), 'file\n')
        }
        assert.deepEqual(outcomes, new Set([true, false]))
      })
    })

    test('a write past its deadline is gone with all that was written', async () => {
      await inSandbox('memory', {}, async (sandbox) => {
        const { write } = shortFiles(sandbox, { deadlineMs: 300 })
        async function* silent(): AsyncGenerator<Uint8Array> {
          yield Buffer.alloc(mebibyte)
          await new Promise(() => {})
        }
        await assert.rejects(write('file', silent()), { code: 'deadline_exceeded' })
        assert.equal(await allFiles(sandbox), '')
      })
    })

    for (const upper of ['memory', 'disk'] as const)
      test(`a content without room in ${upper} is told disk_limit, the old one stays, and there is room again`, async () => {
        await inSandbox(upper, { diskBytes: 6 * mebibyte }, async (sandbox) => {
          const { read, write } = shortFiles(sandbox)
          await write('file', Buffer.alloc(2 * mebibyte, 'o'))
          for (const path of ['file', 'new', 'deep/new'])
            await assert.rejects(write(path, Buffer.alloc(16 * mebibyte, 'n')), { code: 'disk_limit' })
          assert.equal(await shell(sandbox, 'find . ! -type d'), './file\n')
          assert.ok((await read('file')).bytes.equals(Buffer.alloc(2 * mebibyte, 'o')))
          assert.deepEqual(await write('file', Buffer.alloc(3 * mebibyte, 'n')), { existed: true, bytes: 3 * mebibyte })
        })
      })

    test('where programs have filled the disk or used up the files, a write is told so', async () => {
      await inSandbox('memory', { diskBytes: 2 * mebibyte }, async (sandbox) => {
        const { write, names } = shortFiles(sandbox)
        await assert.rejects(run(sandbox, ['sh', '-c', 'cat /dev/zero >full']), { code: 'disk_limit' })
        await assert.rejects(write('new', 'x'), { code: 'disk_limit' })
        assert.deepEqual(await names(), ['full'])
      })
      await inSandbox('memory', { inodes: 100 }, async (sandbox) => {
        const { write, names, remove } = shortFiles(sandbox)
        await write('before', 'x')
        const fill = 'mkdir many; i=0; while : >many/$i; do i=$((i+1)); done'
        await assert.rejects(run(sandbox, ['sh', '-c', fill]), { code: 'inode_limit' })
        for (const path of ['new', 'before', 'deep/new'])
          await assert.rejects(write(path, 'x'), { code: 'inode_limit' })
        await remove('many', true)
        await write('deep/new', 'x')
        assert.deepEqual(await names(), ['before', 'deep'])
      })
    })
  })

test('a write ended for a full disk is cleaned up, even where a look at the disk ends the cleaning too', async () => {
  const use = async (sandbox: Sandbox): Promise<void> => {
    const removals = slowFirstRemoval(withoutNamelessFiles(sandbox))
    const { write, text } = shortFiles(removals.sandbox)
    const old = 'o'.repeat(4 * mebibyte)
    await write('file', old)
    async function* neverWhole(): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(5 * mebibyte, 'n')
      await new Promise(() => {})
    }
    await assert.rejects(write('file', neverWhole()), { code: 'disk_limit' })
    assert.equal(removals.count(), 2)
    assert.equal(await shell(sandbox, 'find . ! -type d'), './file\n')
    assert.ok((await text('file')) === old)
  }
  await withSandbox(driver, specOf({ upper: 'disk', limits: { diskBytes: 6 * mebibyte } }), use, { signal })
})

/** A sandbox in which the first removal takes longer than the pause between two looks at the disk. */
function slowFirstRemoval(sandbox: Sandbox): { readonly sandbox: Sandbox; readonly count: () => number } {
  let count = 0
  return {
    count: () => count,
    sandbox: {
      ...sandbox,
      exec(command) {
        const isFirst = command.argv.includes('remove') && ++count === 1
        const argv = isFirst ? ['sh', '-c', 'sleep 1; exec "$@"', 'sh', ...command.argv] : command.argv
        return sandbox.exec({ ...command, argv })
      },
    },
  }
}
