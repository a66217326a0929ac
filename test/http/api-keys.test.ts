import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { hasCode } from '../../src/core/errors.ts'
import { apiKeys, apiKeysSchema } from '../../src/http/api-keys.ts'
import { keyOf, sha256, writeKeys } from '../support/tenants.ts'
import { scratchPlace } from '../support/scratch-place.ts'

const dir = mkdtempSync(join(scratchPlace, 'forkyard-keys-'))
after(() => rmSync(dir, { recursive: true }))
const path = join(dir, 'keys.json')

function clockAt(ms: number) {
  return { ms, now: () => ms, monotonic: () => ms }
}

const bearer = (key: string) => `Bearer ${key}`
const refused = (error: unknown) => hasCode(error, 'key_required')

test('a key is known by its hash; none, wrong, malformed and expired ones are refused alike', async () => {
  const now = Date.parse('2026-01-02T00:00:00Z')
  const key = (id: string, more: object) => ({ id, tenant: 'acme', sha256: sha256(id), ...more })
  const keys = [
    key('now', { expiresAt: '2026-01-03T00:00:00Z' }),
    key('past', { expiresAt: '2026-01-01T00:00:00Z' }),
    key('ever', {}),
  ]
  writeFileSync(path, JSON.stringify({ tenants: { acme: { workspaces: 3, sandbox: { cpus: 1 } } }, keys }))
  const known = await apiKeys(path, clockAt(now))
  for (const good of ['now', 'ever']) {
    const { tenant, limits, isOperator } = await known.tenantOf(bearer(good))
    assert.deepEqual([tenant, limits.workspaces, limits.sandbox, isOperator], ['acme', 3, { cpus: 1 }, false])
  }
  const messages = new Set<string>()
  for (const bad of [undefined, '', 'Bearer', bearer('past'), bearer('x'), 'Basic bm93Og==', bearer('now now')])
    await assert.rejects(known.tenantOf(bad), (error: Error) => {
      messages.add(error.message)
      return refused(error)
    })
  assert.equal(messages.size, 1)
})

test('keys are rotated without a restart, and a file that is broken meanwhile changes nothing', async () => {
  const clock = { ms: 0, now: () => 0, monotonic: () => clock.ms }
  const rewrite = (write: () => void): void => {
    write()
    // Writes within one tick of the file system's clock are told apart by hand.
    utimesSync(path, (clock.ms + 1) / 1000, (clock.ms + 1) / 1000)
    clock.ms += 1000
  }
  writeKeys(path, { old: {} })
  const known = await apiKeys(path, clock)
  const isIn = async (tenant: string): Promise<boolean> =>
    known.tenantOf(bearer(keyOf(tenant))).then(
      () => true,
      () => false,
    )
  assert.deepEqual([await isIn('old'), await isIn('new')], [true, false])
  rewrite(() => writeKeys(path, { old: {}, new: {} }))
  assert.deepEqual([await isIn('old'), await isIn('new')], [true, true])
  rewrite(() => writeKeys(path, { new: {} }))
  assert.deepEqual([await isIn('old'), await isIn('new'), known.trouble], [false, true, null])
  rewrite(() => writeFileSync(path, '{"tenants": {}'))
  assert.deepEqual([await isIn('old'), await isIn('new')], [false, true])
  assert.match(known.trouble ?? '', /^Cannot use the API keys file/)
  rewrite(() => writeKeys(path, { newest: {} }))
  assert.deepEqual([await isIn('new'), await isIn('newest'), known.trouble], [false, true, null])
})

test('a file with a key where its hash belongs, an unknown tenant or field is refused, and nothing of it is told', async () => {
  const secret = 'fy-secret-key-0123456789'
  for (const [file, where] of [
    [{ tenants: { a: {} }, keys: [{ id: '1', tenant: 'a', sha256: secret }] }, /keys\.0\.sha256/],
    [{ tenants: {}, keys: [{ id: '1', tenant: 'a', sha256: sha256(secret) }] }, /keys/],
    [{ tenants: { a: { cpu: 1 } }, keys: [{ id: '1', tenant: 'a', sha256: sha256(secret) }] }, /tenants\.a/],
    [{ tenants: { a: {} }, keys: [] }, /keys/],
    [secret, /API keys file/],
  ] as const) {
    writeFileSync(path, JSON.stringify(file))
    await assert.rejects(apiKeys(path, clockAt(0)), (error: Error) => {
      assert(hasCode(error, 'settings_invalid'))
      assert.match(error.message, where)
      assert.doesNotMatch(JSON.stringify([error.message, error.details]), /fy-secret/)
      return true
    })
  }
  await assert.rejects(apiKeys(join(dir, 'none.json'), clockAt(0)), { code: 'settings_invalid' })
})

test('the example of the documentation is a file of keys', () => {
  const text = readFileSync(new URL('../../docs/service.md', import.meta.url), 'utf8')
  const [, example = ''] = /```json\n(.*?)```/s.exec(text) ?? []
  const { tenants } = apiKeysSchema.parse(JSON.parse(example))
  const [first = assert.fail()] = Object.values(tenants)
  const described = [...text.matchAll(/^\| (`.*?`) \|/gm)].flatMap(([, fields = '']) => fields.match(/\w+/g) ?? [])
  assert.deepEqual(described.toSorted(), Object.keys(first).toSorted())
})
