import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { test } from 'node:test'
import { installTools, openStateDir, readJson, writeAtomically } from '../../../src/sandbox/local/state-dir.ts'
import { enterableFolder, isRoot, openDriver, run, sandboxUid, specOf } from '../../support/local-sandboxes.ts'
import { tracesOf } from '../../support/traces.ts'

const signal = new AbortController().signal
const open = (stateDir: string, uid = sandboxUid) => openStateDir({ stateDir, sandboxUid: uid })

test("everything in a state directory belongs to the sandboxes' user, and nobody else looks in", () => {
  const stateDir = `${enterableFolder()}/state`
  const state = open(stateDir)
  assert.equal(state.owner.uid, sandboxUid)
  assert.deepEqual(state.becomes, isRoot ? state.owner : null)
  assert.equal(statSync(stateDir).mode & 0o777, 0o700)
  for (const path of [stateDir, ...readdirSync(stateDir).map((name) => `${stateDir}/${name}`)])
    assert.equal(statSync(path).uid, sandboxUid, path)
  assert.deepEqual(open(stateDir), state)
})

test('parents that are missing are made so that sandboxes can pass, whatever the umask', async (t) => {
  const folder = enterableFolder()
  const umask = process.umask(0o077)
  t.after(() => process.umask(umask))
  const driver = await openDriver(`${folder}/not/yet/there`)
  t.after(() => driver.close())
  const sandbox = await driver.create(specOf(), { signal })
  assert.equal((await run(sandbox, ['true'])).code, 0)
})

test('a state directory of somebody else is refused and left as it is', () => {
  const folder = enterableFolder()
  mkdirSync(`${folder}/state`)
  if (isRoot) chownSync(`${folder}/state`, 12_345, 12_345)
  const foreign = isRoot ? `${folder}/state` : '/usr'
  assert.throws(() => open(foreign), { code: 'settings_invalid', message: /belongs to uid/ })
  assert.deepEqual(readdirSync(`${folder}/state`), [])
})

test('sandboxes never run as root', () => {
  const stateDir = `${enterableFolder()}/state`
  if (isRoot) assert.throws(() => open(stateDir, 0), { code: 'settings_invalid', message: /as root/ })
  // For anybody else the setting means nothing.
  else assert.equal(open(stateDir, 0).owner.uid, process.getuid?.())
})

test('paths that could steer a mount, or mean another place tomorrow, are refused', () => {
  const folder = enterableFolder()
  for (const name of ['a:b', 'a,b', 'a b', 'a\nb', 'a\0b', 'a"b', "a'b", 'a\\b', 'ä', 'a=b'])
    assert.throws(() => open(`${folder}/${name}`), { code: 'settings_invalid' }, name)
  for (const path of ['', 'relative', './relative', '~/state'])
    assert.throws(() => open(path), { code: 'settings_invalid' }, path)
  assert.deepEqual(readdirSync(folder), [])
})

test('a place that is no directory is refused with the reason', () => {
  const folder = enterableFolder()
  writeFileSync(`${folder}/file`, '')
  if (isRoot) chownSync(`${folder}/file`, sandboxUid, sandboxUid)
  assert.throws(() => open(`${folder}/file`), { code: 'settings_invalid', message: /ENOTDIR|not a directory/ })
  symlinkSync('nowhere', `${folder}/link`)
  assert.throws(() => open(`${folder}/link/state`), { code: 'settings_invalid' })
})

test("a state directory that the sandboxes' user cannot reach is told so, and nothing stays", async () => {
  const folder = enterableFolder()
  mkdirSync(`${folder}/closed`)
  if (!isRoot) {
    chmodSync(`${folder}/closed`, 0)
    await assert.rejects(openDriver(`${folder}/closed/state`), { code: 'settings_invalid', message: /EACCES/ })
    chmodSync(`${folder}/closed`, 0o700)
    return
  }
  chmodSync(`${folder}/closed`, 0o700)
  const driver = await openDriver(`${folder}/closed/state`)
  for (const upper of ['memory', 'disk'] as const)
    await assert.rejects(driver.create(specOf({ upper }), { signal }), { code: 'host_unable', message: /cannot reach/ })
  assert.deepEqual(tracesOf(`${folder}/closed/state`), [])
})

test('tools are installed once by their content, readable whatever the umask', (t) => {
  const state = open(`${enterableFolder()}/state`)
  const umask = process.umask(0o077)
  t.after(() => process.umask(umask))
  const files = { 'deep/hook': { content: '#!/bin/sh\n', mode: 0o755 }, config: { content: 'a', mode: 0o644 } }
  const place = installTools(state, files)
  assert.equal(statSync(`${place}/deep`).mode & 0o777, 0o755)
  assert.equal(statSync(`${place}/deep/hook`).mode & 0o777, 0o755)
  assert.equal(readFileSync(`${place}/config`, 'utf8'), 'a')
  assert.equal(installTools(state, files), place)
  assert.notEqual(installTools(state, { ...files, config: { content: 'a', mode: 0o600 } }), place)
  assert.notEqual(installTools(state, { ...files, config: { content: 'b', mode: 0o644 } }), place)
  assert.deepEqual(readdirSync(`${state.path}/tmp`), [])
})

test('a file is replaced whole, and what is no JSON file of ours reads as missing', () => {
  const state = open(`${enterableFolder()}/state`)
  writeAtomically(state, 'run/x.json', '{"a":1}')
  writeAtomically(state, 'run/x.json', '{"a":2}')
  assert.deepEqual(readJson(`${state.path}/run/x.json`), { a: 2 })
  assert.deepEqual(readdirSync(`${state.path}/tmp`), [])
  writeFileSync(`${state.path}/run/cut.json`, '{"a":')
  writeFileSync(`${state.path}/run/empty.json`, '')
  mkdirSync(`${state.path}/run/folder.json`)
  symlinkSync('loop.json', `${state.path}/run/loop.json`)
  for (const name of ['cut', 'empty', 'folder', 'loop', 'none'])
    assert.equal(readJson(`${state.path}/run/${name}.json`), null, name)
})
