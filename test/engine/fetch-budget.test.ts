import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasCode } from '../../src/core/errors.ts'
import { fetchBudget } from '../../src/engine/fetch-budget.ts'
import type { FetchPackOptions, Remote } from '../../src/git/remote/remote.ts'
import { tenantNamed } from '../support/tenants.ts'

const hour = 3_600_000

test('what a tenant fetched counts for a day; others, and nobody in particular, are not held by it', async () => {
  const clock = { ms: 0, now: () => 0, monotonic: () => clock.ms }
  const budget = fetchBudget(clock)
  let breaksOff = false
  async function* pack(): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(60)
    if (breaksOff) throw new Error('cut')
  }
  const remote = {
    fetchPack: (_: unknown, use: (stream: { pack: AsyncIterable<Uint8Array> }) => Promise<unknown>) =>
      use({ pack: pack() }),
  } as unknown as Remote
  const fetchAs = (caller: Parameters<typeof budget.metered>[1]) =>
    budget.metered(remote, caller).fetchPack({} as FetchPackOptions, async ({ pack: chunks }) => {
      for await (const chunk of chunks) assert.equal(chunk.length, 60)
    })
  const small = tenantNamed('small', { fetchBytesPerDay: 100 })
  await fetchAs(small)
  clock.ms = 12 * hour
  await fetchAs(small)
  await assert.rejects(fetchAs(small), (error) => {
    assert(hasCode(error, 'tenant_limit'))
    // The first has been a day ago by then.
    return error.details['retryAfterMs'] === 12 * hour
  })
  await fetchAs(tenantNamed('other', { fetchBytesPerDay: 100 }))
  await fetchAs(undefined)
  clock.ms = 24 * hour
  await fetchAs(small)
  await assert.rejects(fetchAs(small), { code: 'tenant_limit' })
  clock.ms = 60 * hour
  breaksOff = true
  for (const _ of [1, 2]) await assert.rejects(fetchAs(small), /cut/)
  await assert.rejects(fetchAs(small), { code: 'tenant_limit' })
})
