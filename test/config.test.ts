import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { parseSettings, settingsFromEnvironment, settingsSchema } from '../src/config.ts'
import { hasCode } from '../src/core/errors.ts'
import { engineSettings } from '../src/engine/settings.ts'
import { localSettings } from '../src/sandbox/local/settings.ts'
import { configDocs } from '../tools/config-docs.ts'
import { scratchPlace } from './support/scratch-place.ts'

const stateDir = '/srv/state'

function folder(t: TestContext): string {
  const path = mkdtempSync(join(scratchPlace, 'config-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}

const refusal = (input: () => unknown): string => {
  let message = ''
  assert.throws(input, (error) => hasCode(error, 'settings_invalid') && ((message = error.message), true))
  return message
}

test('an empty environment gives the defaults, frozen', () => {
  const settings = settingsFromEnvironment({ HOME: '/home/a', XDG_CONFIG_HOME: '/nowhere' })
  assert.deepEqual(settings, parseSettings({ stateDir: settings.stateDir }))
  assert.match(
    settings.stateDir,
    process.getuid?.() === 0 ? /^\/var\/lib\/forkyard$/ : /^\/home\/a\/\.local\/state\/forkyard$/,
  )
  assert.ok(Object.isFrozen(settings))
})

test('variables are numbers, lists and text as their settings are', () => {
  const settings = settingsFromEnvironment({
    FORKYARD_STATE_DIR: stateDir,
    FORKYARD_ALLOW_HOSTS: '127.0.0.1:8080, git.internal,',
    FORKYARD_CPUS: '1.5',
    FORKYARD_SANDBOX_UID: '1234',
    FORKYARD_CREDENTIALS_FILE: '/run/credentials.json',
    FORKYARD_GIT_AUTHORIZATION: 'Basic eDp5',
    PATH: '/usr/bin',
  })
  assert.deepEqual(
    [settings.stateDir, settings.allowHosts, settings.cpus, settings.sandboxUid, settings.credentialsFile],
    [stateDir, ['127.0.0.1:8080', 'git.internal'], 1.5, 1234, '/run/credentials.json'],
  )
})

test('what cannot be understood is refused and named, never ignored', () => {
  const read = (env: Record<string, string>) => () => settingsFromEnvironment({ FORKYARD_STATE_DIR: stateDir, ...env })
  assert.match(refusal(read({ FORKYARD_ALLOW_HOST: 'a' })), /FORKYARD_ALLOW_HOST is not one/)
  assert.match(refusal(read({ FORKYARD_INODES: 'many' })), /FORKYARD_INODES is not a number/)
  assert.match(refusal(read({ FORKYARD_INODES: '' })), /FORKYARD_INODES is not a number/)
  assert.match(refusal(read({ FORKYARD_INODES: '0' })), /inodes: /)
  assert.match(refusal(read({ FORKYARD_STATE_DIR: 'relative' })), /stateDir: must be an absolute path/)
  assert.match(refusal(read({ FORKYARD_DRIVER: 'docker' })), /driver: /)
  assert.match(
    refusal(() => parseSettings({ stateDir, unknown: 1 })),
    /unknown/,
  )
})

test('the file fills what variables leave open', (t) => {
  const home = folder(t)
  mkdirSync(join(home, 'forkyard'))
  writeFileSync(join(home, 'forkyard', 'forkyard.config.json'), JSON.stringify({ stateDir, inodes: 5, processes: 6 }))
  const settings = settingsFromEnvironment({ XDG_CONFIG_HOME: home, FORKYARD_PROCESSES: '7' })
  assert.deepEqual([settings.stateDir, settings.inodes, settings.processes], [stateDir, 5, 7])
})

test('a named file that is missing, broken or no object is refused', (t) => {
  const path = join(folder(t), 'settings.json')
  const read = () => settingsFromEnvironment({ FORKYARD_CONFIG: path, FORKYARD_STATE_DIR: stateDir })
  refusal(read)
  for (const text of ['{', '[]', '{"inodes": "many"}']) {
    writeFileSync(path, text)
    refusal(read)
  }
  writeFileSync(path, '{"inodes": 5}')
  assert.equal(read().inodes, 5)
})

test('a file in the current folder is not read: it may be somebody else’s', (t) => {
  const before = process.cwd()
  const path = folder(t)
  writeFileSync(join(path, 'forkyard.config.json'), '{"inodes": 5}')
  chmodSync(join(path, 'forkyard.config.json'), 0o600)
  process.chdir(path)
  t.after(() => process.chdir(before))
  const settings = settingsFromEnvironment({ FORKYARD_STATE_DIR: stateDir, HOME: '/nowhere' })
  assert.equal(settings.inodes, settingsSchema.parse({ stateDir }).inodes)
})

test('no two parts give one name to different settings', () => {
  const names = [engineSettings, localSettings].flatMap(({ shape }) => Object.keys(shape))
  assert.equal(new Set(names).size, names.length)
})

test('docs/config.md is what the schemas say', () => {
  assert.equal(readFileSync(new URL('../docs/config.md', import.meta.url), 'utf8'), configDocs())
})
