import assert from 'node:assert/strict'
import { chmodSync, chownSync, mkdirSync } from 'node:fs'
import { test } from 'node:test'
import { findCgroups } from '../../../src/sandbox/local/cgroup.ts'
import { probeLocalHost } from '../../../src/sandbox/local/probe-host.ts'
import { enterableFolder, isRoot, settingsFor } from '../../support/local-sandboxes.ts'
import { smallDisk } from '../../support/small-disk.ts'
import { tracesOf } from '../../support/traces.ts'

const signal = new AbortController().signal

test('doctor finds this host able, having tried it, and leaves nothing of the trial', async () => {
  const settings = settingsFor(`${enterableFolder()}/state`)
  const { able, checks } = await probeLocalHost(settings, { signal })
  assert.ok(able, JSON.stringify(checks))
  assert.deepEqual(
    checks.filter(({ ok }) => !ok),
    [],
  )
  for (const name of ['bwrap', 'git', 'state directory', 'sandbox on disk', 'room', 'limits'])
    assert.ok(
      checks.some((check) => check.name === name),
      name,
    )
  assert.deepEqual(tracesOf(settings.stateDir), [])
})

test('doctor says "no limit" where no control group can be written, and which limits hold where one can', async () => {
  const { checks } = await probeLocalHost(settingsFor(`${enterableFolder()}/state`), { signal })
  const limits = checks.find(({ name }) => name === 'limits')
  if (findCgroups() === null) {
    assert.match(limits?.detail ?? '', /^no limit on memory, processes and cpu/)
    assert.match(limits?.fix ?? '', /Delegate/)
  } else assert.match(limits?.detail ?? '', /^memory, processes and cpu are limited/)
})

test('doctor says what is wrong with a state directory, and what to do', async () => {
  const folder = enterableFolder()
  mkdirSync(`${folder}/closed`)
  chmodSync(`${folder}/closed`, isRoot ? 0o700 : 0)
  const closed = await probeLocalHost(settingsFor(`${folder}/closed/state`), { signal })
  chmodSync(`${folder}/closed`, 0o700)
  assert.equal(closed.able, false)
  const failed = closed.checks.filter(({ ok }) => !ok)
  assert.ok(failed.length > 0)
  for (const { detail, fix } of failed) assert.match(`${detail} ${fix}`, /reach|EACCES/)
  if (isRoot) assert.match(failed[0]?.fix ?? '', /parents everybody may enter/)

  mkdirSync(`${folder}/foreign`)
  if (isRoot) chownSync(`${folder}/foreign`, 12_345, 12_345)
  const foreign = await probeLocalHost(settingsFor(isRoot ? `${folder}/foreign` : '/usr'), { signal })
  assert.equal(foreign.able, false)
  assert.match(foreign.checks.find(({ ok }) => !ok)?.detail ?? '', /belongs to uid/)
})

test('doctor notices a full disk', async (t) => {
  const { able, checks } = await probeLocalHost(settingsFor(`${await smallDisk(t)}/state`), { signal })
  const failed = checks.filter(({ ok }) => !ok)
  assert.equal(able, false)
  assert.match(failed.map(({ detail }) => detail).join(), /used up/)
})
