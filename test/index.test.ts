import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

const source = (path: string): string => readFileSync(new URL(`../src/${path}`, import.meta.url), 'utf8')
const namesIn = (list: string): readonly string[] => list.match(/\b[A-Z]\w*/g) ?? []

test('every type that the contract of the engine is made of can be imported', () => {
  const exported = new Set(
    [...source('index.ts').matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, list = '']) => namesIn(list)),
  )
  const contract = source('engine/contract.ts')
  const imported = [...contract.matchAll(/^import type \{([^}]*)\}/gm)].flatMap(([, list = '']) => namesIn(list))
  const declared = [...contract.matchAll(/^export (?:interface|type) (\w+)/gm)].map(([, name = '']) => name)
  assert.ok(imported.length > 5 && declared.length > 10)
  assert.deepEqual(
    [...imported, ...declared].filter((name) => !exported.has(name)),
    [],
  )
})
