import assert from 'node:assert/strict'
import test from 'node:test'
import { hasCode } from '../../src/core/errors.ts'
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

test('every operation of this registry only reads, and lists its contents where it needs some', () => {
  for (const operation of operations) {
    assert.equal(operation.effect, 'read')
    const { blobs } = operation.needs(operation.input.parse(operation.example))
    assert.ok(blobs !== 'paths' || 'blobs' in operation, operation.name)
  }
})
