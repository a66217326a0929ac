import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import fc from 'fast-check'
import { tarEnd, tarEntries, type TarEntry } from '../../src/workspace/tar.ts'
import { scratchDir } from '../support/operation-run.ts'

async function tar(argv: readonly string[], cwd: string, input: Uint8Array): Promise<Buffer> {
  const child = spawn('tar', argv, { cwd, stdio: ['pipe', 'pipe', 'inherit'] })
  // A tar that has read enough, or that only writes, is judged by its exit code alone.
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const [output, [code]] = await Promise.all([buffer(child.stdout), once(child, 'close')])
  assert.equal(code, 0)
  return output
}

const name = fc.stringMatching(/^[a-z.][a-z-]{0,8}$/).filter((text) => text !== '.' && text !== '..')

test('tar unpacks the entries as they were given, whatever their sizes', async (t) => {
  const dir = await scratchDir(t)
  let count = 0
  const files = fc.dictionary(name, fc.string({ maxLength: 1600, unit: 'grapheme' }), { maxKeys: 6 })
  await fc.assert(
    fc.asyncProperty(files, async (contents) => {
      const place = `${dir}/${(count += 1)}`
      await mkdir(place)
      const entries: TarEntry[] = Object.entries(contents).map(([path, content]) => ({ path: `in/${path}`, content }))
      await tar(['-xf', '-'], place, Buffer.concat([tarEntries([{ path: 'in', content: null }, ...entries]), tarEnd]))
      for (const { path, content } of entries) {
        assert.equal(await readFile(`${place}/${path}`, 'utf8'), content)
        assert.equal((await stat(`${place}/${path}`)).mode & 0o777, 0o644)
      }
      assert.equal((await stat(`${place}/in`)).mode & 0o777, 0o755)
    }),
    { numRuns: 20 },
  )
})

test('another archive may follow in the same stream', async (t) => {
  const dir = await scratchDir(t)
  await writeFile(`${dir}/theirs`, 'theirs')
  const more = await tar(['-cf', '-', 'theirs'], dir, Buffer.alloc(0))
  await mkdir(`${dir}/out`)
  await tar(['-xf', '-'], `${dir}/out`, Buffer.concat([tarEntries([{ path: 'ours', content: 'ours' }]), more]))
  const found = await Promise.all(['ours', 'theirs'].map((file) => readFile(`${dir}/out/${file}`, 'utf8')))
  assert.deepEqual(found, ['ours', 'theirs'])
})
