import assert from 'node:assert/strict'
import { buffer } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import type { Sandbox, SandboxDriver, Upper } from '../../src/sandbox/contract.ts'
import { withSandbox } from '../../src/workspace/place.ts'
import type { FilePart } from '../../src/workspace/worktree-files.ts'
import { shortFiles } from '../support/live-files.ts'
import { enterableFolder, openDriver, shell, specOf } from '../support/local-sandboxes.ts'
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

function inSandbox(upper: Upper, limits: object, use: (sandbox: Sandbox) => Promise<void>): Promise<void> {
  return withSandbox(driver, specOf({ upper, limits }), use, { signal })
}

test('who needs only the beginning of a file ends the reading, and no content outlives its loan', async () => {
  await inSandbox('memory', {}, async (sandbox) => {
    const { files, write } = shortFiles(sandbox)
    await write('file', Buffer.alloc(8 * mebibyte))
    const idle = processesOf(stateDir)
    const range = { offset: 0, length: null, signal }
    let lent: FilePart | null = null
    const size = await files.read('file', range, async (part) => {
      lent = part
      return part.size
    })
    assert.equal(size, 8 * mebibyte)
    assert.deepEqual(processesOf(stateDir), idle)
    const { content } = lent as unknown as FilePart
    await assert.rejects(buffer(content), { code: 'sandbox_failed' })
    await assert.rejects(
      files.read('file', range, () => Promise.reject(new Error('no thanks'))),
      /no thanks/,
    )
    const caller = new AbortController()
    const reading = files.read('file', { ...range, signal: caller.signal }, async ({ content }) => {
      for await (const chunk of content) caller.abort(chunk)
    })
    await assert.rejects(reading, { code: 'canceled' })
    assert.deepEqual(processesOf(stateDir), idle)
  })
})

test('parts of a file larger than any memory are read, and too large a part is refused', async () => {
  await inSandbox('disk', { diskBytes: 2 ** 42 }, async (sandbox) => {
    const { read, list } = shortFiles(sandbox, { maxReadBytes: 10 * mebibyte })
    await shell(sandbox, 'truncate -s 1T sparse; printf end >>sparse')
    assert.equal((await read('sparse', -4)).bytes.toString(), '\0end')
    const middle = await read('sparse', 2 ** 39 + 1, 10 * mebibyte)
    assert.deepEqual([middle.offset, middle.size, middle.bytes.length], [2 ** 39 + 1, 2 ** 40 + 3, 10 * mebibyte])
    assert.equal((await list()).entries[0]?.size, 2 ** 40 + 3)
    for (const length of [null, 10 * mebibyte + 1])
      await assert.rejects(read('sparse', 0, length), { code: 'output_limit', details: { size: 2 ** 40 + 3 } })
  })
})
