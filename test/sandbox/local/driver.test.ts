import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import type { SandboxDriver } from '../../../src/sandbox/contract.ts'
import { describeDriver } from '../../support/describe-driver.ts'
import { enterableFolder, openDriver, shell, specOf } from '../../support/local-sandboxes.ts'
import { findCgroups } from '../../../src/sandbox/local/cgroup.ts'
import { processesOf, tracesOf } from '../../support/traces.ts'

const hasCgroups = findCgroups() !== null

const signal = new AbortController().signal

const folder = enterableFolder()

describeDriver('the local driver', async () => {
  const stateDir = `${folder}/contract`
  const driver = await openDriver(stateDir)
  return {
    driver,
    reopen: () => openDriver(stateDir),
    processes: () => processesOf(stateDir),
    async close() {
      await driver.close()
      assert.deepEqual(tracesOf(stateDir), [])
      assert.deepEqual(readdirSync(`${stateDir}/layers`), ['empty'])
      assert.deepEqual(readdirSync(`${stateDir}/images`), [])
    },
  }
})

describe('the local driver', () => {
  const stateDir = `${folder}/state`
  let driver: SandboxDriver
  before(async () => {
    driver = await openDriver(stateDir)
  })
  after(() => driver.close())

  test('layers of a dropped image go with the last fork that used them', async () => {
    const builder = await driver.create(specOf(), { signal })
    await shell(builder, 'echo kept >file')
    await driver.freeze(builder, 'img_dropped')
    const forks = await Promise.all([1, 2].map(() => driver.create(specOf({ image: 'img_dropped' }), { signal })))
    await driver.drop('img_dropped')
    for (const fork of forks) {
      assert.deepEqual(readdirSync(`${stateDir}/layers`).toSorted(), ['empty', 'img_dropped'])
      assert.equal(await shell(fork, 'cat file'), 'kept\n')
      await fork.destroy()
    }
    assert.deepEqual(readdirSync(`${stateDir}/layers`), ['empty'])
  })

  test('a sandbox and all its commands are in its control groups from the first moment', async () => {
    const sandbox = await driver.create(specOf(), { signal })
    const groups = tracesOf(stateDir).filter((trace) => trace.startsWith('control group'))
    assert.equal(groups.length, hasCgroups ? 1 : 0)
    for (let turn = 0; turn < 2; turn += 1) {
      const own = await shell(sandbox, 'cat /proc/self/cgroup')
      assert.equal(/forkyard/.test(own), hasCgroups, own)
    }
    await sandbox.destroy()
    assert.deepEqual(tracesOf(stateDir), [])
  })
})
