import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { hasCode } from '../../src/core/errors.ts'
import { hookSecrets, hookSecretsSchema } from '../../src/http/hook-secrets.ts'
import { scratchPlace } from '../support/scratch-place.ts'
import { hookSecret, writeHookSecrets } from '../support/webhooks.ts'

const dir = mkdtempSync(join(scratchPlace, 'forkyard-hooks-'))
after(() => rmSync(dir, { recursive: true }))
const path = join(dir, 'hooks.json')
const clock = { ms: 0, now: () => 0, monotonic: () => clock.ms }

test('secrets are rotated without a restart, and a file that is broken meanwhile changes nothing', async () => {
  const rewrite = (write: () => void): void => {
    write()
    // Writes within one tick of the file system's clock are told apart by hand.
    utimesSync(path, (clock.ms + 1) / 1000, (clock.ms + 1) / 1000)
    clock.ms += 1000
  }
  const [old, fresh] = ['old-secret-0123456789', 'new-secret-0123456789']
  writeHookSecrets(path, { github: [old] })
  const secrets = await hookSecrets(path, clock)
  assert.deepEqual([await secrets.of('github'), await secrets.of('gitlab')], [[old], []])
  rewrite(() => writeHookSecrets(path, { github: [old, fresh], gitlab: [fresh] }))
  assert.deepEqual([await secrets.of('github'), await secrets.of('gitlab')], [[old, fresh], [fresh]])
  rewrite(() => writeFileSync(path, `{"github": ["${old}"`))
  assert.deepEqual(await secrets.of('github'), [old, fresh])
  assert.match(secrets.trouble ?? '', /^Cannot use the hook secrets file/)
  rewrite(() => writeHookSecrets(path, { github: [fresh] }))
  assert.deepEqual([await secrets.of('github'), await secrets.of('gitlab'), secrets.trouble], [[fresh], [], null])
  assert.deepEqual(await (await hookSecrets(null, clock)).of('github'), [])
})

test('a file with a short secret, too many or an unknown field is refused, and nothing of it is told', async () => {
  for (const [file, where] of [
    [{ github: ['hunter2'] }, /github\.0/],
    [{ github: [''] }, /github\.0/],
    [{ gitlab: ['whsec_aHVudGVyMg=='] }, /gitlab\.0/],
    [{ github: hookSecret.github }, /github/],
    [{ github: Array.from({ length: 9 }, () => hookSecret.github) }, /github/],
    [{ [hookSecret.github]: [] }, /hook secrets file/],
    [[hookSecret.github], /hook secrets file/],
  ] as const) {
    writeHookSecrets(path, file)
    await assert.rejects(hookSecrets(path, clock), (error: Error) => {
      assert(hasCode(error, 'settings_invalid'))
      assert.match(error.message, where)
      assert.doesNotMatch(JSON.stringify([error.message, error.details]), /hunter2|aHVudGVy/)
      return true
    })
  }
  await assert.rejects(hookSecrets(join(dir, 'none.json'), clock), { code: 'settings_invalid' })
})

test('the example of the documentation is a file of secrets', () => {
  const text = readFileSync(new URL('../../docs/service.md', import.meta.url), 'utf8')
  const [, example = ''] = /^## Webhooks$.*?```json\n(.*?)```/ms.exec(text) ?? []
  const { github, gitlab } = hookSecretsSchema.parse(JSON.parse(example))
  assert(github.length > 0 && gitlab.length > 0)
})
