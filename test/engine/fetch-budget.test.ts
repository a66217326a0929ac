import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasCode } from '../../src/core/errors.ts'
import { fetchBudget } from '../../src/engine/fetch-budget.ts'
import type { Upstream } from '../../src/workspace/upstream.ts'
import { tenantNamed } from '../support/tenants.ts'

const hour = 3_600_000

test('what a tenant fetched counts for a day; others, and nobody in particular, are not held by it', async () => {
  const clock = { ms: 0, now: () => 0, monotonic: () => clock.ms }
  const budget = fetchBudget(clock)
  const upstream: Upstream = { url: '', objectFormat: 'sha1', bring: async () => ({ bytes: 60, isWhole: true }) }
  const fetchAs = (caller: Parameters<typeof budget.metered>[1]) =>
    budget.metered(upstream, caller).bring(...([] as unknown as Parameters<Upstream['bring']>))
  const small = tenantNamed('small', { fetchBytesPerDay: 100 })
  await fetchAs(small)
  clock.ms = 12 * hour
  await fetchAs(small)
  await assert.rejects(fetchAs(small), (error) => {
    assert(hasCode(error, 'tenant_limit'))
    return error.details['retryAfterMs'] === hour
  })
  await fetchAs(tenantNamed('other', { fetchBytesPerDay: 100 }))
  await fetchAs(undefined)
  clock.ms = 24 * hour
  await fetchAs(small)
  await assert.rejects(fetchAs(small), { code: 'tenant_limit' })
})
