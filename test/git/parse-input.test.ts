import assert from 'node:assert/strict'
import test from 'node:test'
import { z } from 'zod'
import { AppError, type ErrorCode } from '../../src/core/errors.ts'
import { fieldKind, limit, ref, repoPath, repoPaths, revision, revisionOrRef } from '../../src/git/fields.ts'
import { parseInput } from '../../src/git/parse-input.ts'
import { operations } from '../../src/git/registry.ts'

const operation = {
  name: 'probe',
  input: z.strictObject({
    path: repoPath.optional(),
    paths: repoPaths,
    revision: revisionOrRef,
    ref: ref.optional(),
    limit: limit(5, 10),
  }),
}

test('defaults come from the schema', () => {
  assert.deepEqual(parseInput(operation, {}), { paths: [], revision: null, limit: 5 })
})

test('paths, refs and all other input are refused with a code of their own', () => {
  const cases: [unknown, ErrorCode][] = [
    [{ path: '../x' }, 'path_invalid'],
    [{ path: { base64: Buffer.from('/etc').toString('base64') } }, 'path_invalid'],
    [{ paths: ['a', '.git/config'] }, 'path_invalid'],
    [{ revision: '--output=x' }, 'ref_invalid'],
    [{ ref: 'a..b' }, 'ref_invalid'],
    [{ path: { base64: '***' } }, 'path_invalid'],
    [{ path: 7 }, 'input_invalid'],
    [{ limit: 11 }, 'input_invalid'],
    [{ unknown: 1 }, 'input_invalid'],
    [null, 'input_invalid'],
  ]
  for (const [input, code] of cases) {
    assert.throws(
      () => parseInput(operation, input),
      (error) => error instanceof AppError && error.code === code && Array.isArray(error.details['issues']),
      JSON.stringify(input),
    )
  }
})

test('the message names the field and the fact', () => {
  assert.throws(
    () => parseInput(operation, { paths: ['a/../b'] }),
    /^AppError: Cannot run probe: paths\.0: it has a "\.\." segment$/,
  )
})

test('kinds are found through defaults, optional and nullable', () => {
  const { shape } = operation.input
  const kinds = Object.values(shape).map((field) => fieldKind(field))
  assert.deepEqual(kinds, ['path', 'paths', 'revision', 'ref', 'limit'])
  assert.equal(fieldKind(z.string()), null)
  assert.equal(fieldKind(revision.optional()), 'revision')
})

test('every operation is strict, documents itself and takes its own example', () => {
  for (const each of operations) {
    assert.doesNotThrow(() => parseInput(each, each.example), each.name)
    assert.throws(() => parseInput(each, { ...each.example, surprise: 1 }), /surprise/)
    const schema = z.toJSONSchema(each.input, { io: 'input' })
    assert.equal(schema.type, 'object')
    assert.ok(z.toJSONSchema(each.output, { io: 'output' }))
    const common = ['repo', 'maxStalenessMs', 'deadlineMs', ...(each.effect === 'read' ? ['ref'] : [])]
    for (const name of common) assert.ok(!(name in each.input.shape), each.name)
  }
})
