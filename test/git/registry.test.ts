import assert from 'node:assert/strict'
import test from 'node:test'
import { hasCode } from '../../src/core/errors.ts'
import { schemaFields } from '../../src/core/schema-fields.ts'
import { findOperation, operations } from '../../src/git/registry.ts'

test('operations are found by their one name', () => {
  for (const operation of operations) assert.equal(findOperation(operation.name), operation)
  assert.equal(new Set(operations.map(({ name }) => name)).size, operations.length)
  for (const name of ['', 'rm', 'constructor', 'LOG']) {
    assert.throws(
      () => findOperation(name),
      (error) => hasCode(error, 'operation_unknown'),
    )
  }
})

test('every operation lists its contents where it needs some, and only reads are pure', () => {
  for (const operation of operations) {
    const { blobs } = operation.needs(operation.input.parse(operation.example))
    assert.ok(blobs !== 'paths' || 'blobs' in operation, operation.name)
    assert.ok(operation.effect === 'read' || !operation.isPure, operation.name)
  }
})

test('every field of every operation says what it means', () => {
  const silent = operations.flatMap(({ name, input }) =>
    schemaFields(input)
      .filter(({ description }) => description === '')
      .map((field) => `${name} ${field.name}`),
  )
  assert.deepEqual(silent, [])
})
