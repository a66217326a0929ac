import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { tiers } from '../../src/engine/contract.ts'
import { requestNames } from '../../src/engine/request-scope.ts'
import { subcommandNames } from '../../src/git/arguments.ts'
import { effects } from '../../src/git/operation.ts'
import { operations } from '../../src/git/registry.ts'
import { definitions, labelValues } from '../../src/metrics/definitions.ts'
import { metricsDocs } from '../../tools/metrics-docs.ts'

const all = Object.values(definitions)

test('docs/metrics.md is what the definitions say (else: npm run metrics-docs)', () => {
  assert.equal(readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8'), metricsDocs())
})

test('each metric has a name of its own, with its unit or kind at the end, and a sentence', () => {
  assert.equal(new Set(all.map(({ name }) => name)).size, all.length)
  for (const { name, type, help } of all) {
    assert.match(name, /^forkyard_[a-z_]+$/)
    assert.equal(name.endsWith('_total'), type === 'counter', name)
    assert.equal(name.endsWith('_seconds'), type === 'histogram', name)
    assert.match(help, /^[A-Z].*[^.]\.$/)
  }
})

test('however hostile its callers, a service has a bounded number of series', () => {
  const operation = [...operations.map(({ name }) => name), ...requestNames]
  const values = labelValues({ operation, effect: effects, tier: tiers, subcommand: subcommandNames })
  // Not declared are only routes and the repositories that are told apart; an operation has one effect.
  const sizes: Record<string, number> = {
    ...Object.fromEntries(Object.entries(values).map(([label, all]) => [label, all?.length ?? 30])),
    effect: 1,
  }
  for (const { name, labels } of all) {
    const series = labels.reduce((product, label) => product * ((sizes[label] ?? 1) + 2), 1)
    assert(series <= 10_000, `${name}: ${series}`)
  }
})
