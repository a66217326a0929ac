import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { test } from 'node:test'
import { cpuSettings, findCgroups } from '../../../src/sandbox/local/cgroup.ts'
import { shareOf } from '../../../src/sandbox/local/cpu-share.ts'
import { enterableFolder, openDriver, run, specOf } from '../../support/local-sandboxes.ts'

const never = -Infinity

test('short work weighs in full, long work yields to it', () => {
  assert.deepEqual(shareOf({ isLong: false, forkedAt: never, now: 0, cpus: 2 }), { weight: 100, cpus: 2 })
  assert.deepEqual(shareOf({ isLong: true, forkedAt: never, now: 0, cpus: 2 }), { weight: 10, cpus: 2 })
})

test('what forks without end gets little until it was calm for a while, and never more than before', () => {
  const cores = (now: number, cpus: number): number => shareOf({ isLong: false, forkedAt: 1000, now, cpus }).cpus
  assert.equal(cores(1000, 2), 0.25)
  assert.equal(cores(10_999, 2), 0.25)
  assert.equal(cores(11_000, 2), 2)
  assert.equal(cores(1000, 0.1), 0.1)
})

test('both versions of control groups understand a share', () => {
  const share = { weight: 10, cpus: 0.25 }
  assert.deepEqual(Object.fromEntries(cpuSettings(2, share)), { 'cpu.weight': '10', 'cpu.max': '25000 100000' })
  assert.deepEqual(Object.fromEntries(cpuSettings(1, share)), {
    'cpu.shares': '102',
    'cpu.cfs_period_us': '100000',
    'cpu.cfs_quota_us': '25000',
  })
})

test('a sandbox that forks without end is held to a share of a core while it does', async () => {
  const stateDir = `${enterableFolder()}/state`
  const cgroups = findCgroups({ stateDir })
  const driver = await openDriver(stateDir, {})
  const sandbox = await driver.create(specOf({ limits: { processes: 32, cpus: 2 } }), {
    signal: new AbortController().signal,
  })
  // Nothing bounds it where no group can be written: there it only has to be short.
  const forks = cgroups === null ? 'fork for 1 .. 3' : '$SIG{CHLD} = "IGNORE"; while (1) { fork }'
  try {
    await assert.rejects(run(sandbox, ['perl', '-e', `${forks}; sleep 60`], { deadlineMs: 1000 }), {
      code: 'deadline_exceeded',
    })
    if (cgroups !== null) assert.deepEqual(quotasBelow(cgroups.bases.at(-1) ?? '', cgroups.prefix), [0.25])
  } finally {
    await sandbox.destroy()
    await driver.close()
  }
})

/** Cores that the sandboxes of one state directory may use, where they are fewer than were asked for. */
function quotasBelow(base: string, prefix: string): readonly number[] {
  return readdirSync(base)
    .filter((name) => name.startsWith(prefix))
    .map((name) => {
      try {
        return readFileSync(`${base}/${name}/cpu.max`, 'utf8').split(' ')[0]
      } catch {
        return readFileSync(`${base}/${name}/cpu.cfs_quota_us`, 'utf8')
      }
    })
    .map((quota) => Number(quota) / 100_000)
    .filter((cores) => cores > 0 && cores < 2)
}
