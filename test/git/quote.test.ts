import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { quoteName, unquoteName } from '../../src/git/quote.ts'
import { makeRepository } from '../support/repository.ts'
import { scratchDir } from '../support/operation-run.ts'

test('any name survives quoting', () => {
  const name = fc.uint8Array({ min: 1, minLength: 1, maxLength: 20 }).map((array) => Buffer.from(array))
  fc.assert(
    fc.property(name, (bytes) => assert.deepEqual(unquoteName(Buffer.from(quoteName('', bytes), 'latin1')), bytes)),
  )
})

test('names are quoted as git quotes them', async (t) => {
  const repository = await makeRepository(await scratchDir(t))
  // Every byte but NUL and the slash, a few to a name.
  const names = Array.from({ length: 64 }, (_, index) => Buffer.from([index, index + 64, index + 128, index + 192]))
    .map((bytes) => bytes.filter((byte) => byte !== 0 && byte !== 0x2f))
    .map((bytes) => Buffer.from([0x6e, ...bytes]))
  const id = await repository.commit({ files: names.map((name) => [name, 'x'] as const) })
  const printed = (await repository.git(['-c', 'core.quotePath=true', 'ls-tree', '--name-only', id])).split('\n')
  assert.deepEqual(printed.toSorted(), names.map((name) => quoteName('', name)).toSorted())
})
