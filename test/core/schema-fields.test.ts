import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { kebabCase, schemaFields } from '../../src/core/schema-fields.ts'

test('fields are read through defaults, unions and null', () => {
  const schema = z.strictObject({
    path: z.union([z.string(), z.strictObject({ base64: z.string() })]).meta({ kind: 'path', description: 'A path.' }),
    revision: z.string().meta({ kind: 'revision', description: 'A commit.' }).nullable().default(null),
    limit: z.int().default(20),
    mergesOnly: z.boolean().default(false),
    names: z.array(z.string()).default([]),
    side: z.enum(['ours', 'theirs']).default('ours'),
  })
  const facts = schemaFields(schema).map((field) => [
    field.name,
    field.form,
    field.kind,
    field.isRequired,
    field.standard,
  ])
  assert.deepEqual(facts, [
    ['path', 'text', 'path', true, undefined],
    ['revision', 'text', 'revision', false, null],
    ['limit', 'number', 'number', false, 20],
    ['mergesOnly', 'boolean', 'boolean', false, false],
    ['names', 'list', 'list', false, []],
    ['side', 'text', 'text', false, 'ours'],
  ])
  assert.deepEqual(
    schemaFields(schema).map(({ description, choices }) => [description, choices]),
    [
      ['A path.', []],
      ['A commit.', []],
      ['', []],
      ['', []],
      ['', []],
      ['', ['ours', 'theirs']],
    ],
  )
})

test('names become words', () => {
  assert.deepEqual(['limit', 'maxStalenessMs'].map(kebabCase), ['limit', 'max-staleness-ms'])
})
