import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { test } from 'node:test'
import type { ImageSummary } from '../../../src/engine/contract.ts'
import { cli, failingEngine, fakeEngine, receipt } from '../../support/cli.ts'

const image: ImageSummary = {
  id: 'img_1',
  repo: 'https://example.com/a',
  tips: ['a'.repeat(40)],
  has: { history: 20, trees: 'tip', blobs: 'tip', worktree: 'cone', refs: 'asked' },
  cone: ['src', 'docs'],
  bytes: 1_572_864,
  layers: 2,
  createdAt: '2026-01-02T03:04:05Z',
}

test('images are a table for people and a list for programs', async () => {
  const { engine } = fakeEngine({ images: async () => [image] })
  const plain = (await cli(['images'], { engine })).stdout.split('\n')
  assert.match(plain[0] ?? '', /^IMAGE\s+REPOSITORY\s+COMMIT/)
  assert.match(plain[1] ?? '', /^img_1 {2}https:\/\/example\.com\/a {2}a{12} {2}20 +src,docs {2}1\.5 MiB {2}2 +2026-/)
  assert.deepEqual(JSON.parse((await cli(['images', '--json'], { engine })).stdout), { value: [image], receipt: null })
})

test('no images are an empty list, not an empty table', async () => {
  const { engine } = fakeEngine({ images: async () => [] })
  assert.equal((await cli(['images'], { engine })).stdout, '')
  assert.equal((await cli(['images', '--json'], { engine })).stdout, '{"value":[],"receipt":null}\n')
})

test('warm sends ref and cone and names the image', async () => {
  const value = { id: 'img_1', commit: 'b'.repeat(40), bytes: 10 }
  const { engine, calls } = fakeEngine({ warm: async () => ({ value, receipt }) })
  const plain = await cli(['warm', '.', '--ref=main', '--cone=src,docs'], { engine })
  assert.deepEqual(calls[0]?.input, { repo: resolve('.'), ref: 'main', cone: ['src', 'docs'] })
  assert.equal(plain.stdout, `img_1  ${'b'.repeat(40)}  10 B\n`)
  assert.deepEqual(JSON.parse((await cli(['warm', '.', '--json'], { engine })).stdout), { value, receipt })
})

test('drop removes by id and is silent, and says what is missing', async () => {
  const { engine, calls } = fakeEngine()
  assert.deepEqual(await cli(['drop', 'img_1'], { engine }), {
    code: 0,
    stdout: '',
    stderr: '',
    bytes: Buffer.alloc(0),
  })
  assert.deepEqual(calls[0], { method: 'drop', input: 'img_1' })
  assert.equal((await cli(['drop', 'img_2'], { engine: failingEngine('image_not_found') })).code, 1)
})
