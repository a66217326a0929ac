import assert from 'node:assert/strict'
import { readFileSync, renameSync } from 'node:fs'
import { totalmem } from 'node:os'
import { after, before, describe, test } from 'node:test'
import { hasCode } from '../../../src/core/errors.ts'
import { childrenOf } from '../../../src/core/process-identity.ts'
import type { Sandbox, SandboxDriver } from '../../../src/sandbox/contract.ts'
import { findCgroups } from '../../../src/sandbox/local/cgroup.ts'
import { copying, untilCopying, untilNoneCopies } from '../../support/copying.ts'
import { commandOf, enterableFolder, openDriver, run, shell, specOf } from '../../support/local-sandboxes.ts'
import { tracesOf } from '../../support/traces.ts'

const signal = new AbortController().signal
const metadata = (): Record<string, string> => ({})
const mebibyte = 1024 ** 2

describe('forks of live sandboxes on this host', () => {
  const stateDir = `${enterableFolder()}/state`
  let driver: SandboxDriver
  before(async () => {
    // Room for one upper in memory at a time.
    driver = await openDriver(stateDir, { memoryUppersShare: (10 * mebibyte) / totalmem(), tmpBytes: 4 * mebibyte })
  })
  after(async () => {
    await driver.close()
    assert.deepEqual(tracesOf(stateDir), [])
  })

  const create = (limits: object = {}): Promise<Sandbox> =>
    driver.create(specOf({ upper: 'memory', limits: { diskBytes: 6 * mebibyte, inodes: 1000, ...limits } }), {
      signal,
    })
  const fork = (sandbox: Sandbox, count = 1): Promise<readonly Sandbox[]> =>
    driver.fork(sandbox, count, { signal, metadata })
  const isInMemory = async (sandbox: Sandbox): Promise<boolean> =>
    (await shell(sandbox, 'stat -f -c %b /run/forkyard/upper')).trim() === String((6 * mebibyte) / 4096)

  test('memory is used while there is room for all uppers, then disk', async () => {
    const source = await create()
    await shell(source, 'echo same >file')
    const [one] = await fork(source)
    assert.deepEqual(await Promise.all([source, one as Sandbox].map(isInMemory)), [true, false])
    await source.destroy()
    const forks = await fork(one as Sandbox, 2)
    assert.equal((await Promise.all(forks.map(isInMemory))).filter(Boolean).length, 1)
    for (const each of forks) assert.equal(await shell(each, 'cat file'), 'same\n')
    for (const each of [one as Sandbox, ...forks]) await each.destroy()
  })

  for (const [name, code, write] of [
    ['bytes', 'disk_limit', 'head -c 4000000 /dev/zero >a; head -c 4000000 /dev/zero >b'],
    ['files', 'inode_limit', 'exec perl -e \'for (1 .. 1500) { open my $file, ">", $_ or die }\''],
    // So few that tar makes them all, and only the limit itself is in the way.
    ['files by a few', 'inode_limit', 'exec perl -e \'for (1 .. 1004) { open my $file, ">", $_ or die }\''],
  ] as const) {
    test(`a fork that would hold too many ${name} is told ${code}, and is not made`, async () => {
      const other = await create()
      // Limits of what is on disk are looked at from time to time only.
      const source = await create()
      await shell(source, write)
      await other.destroy()
      const before = tracesOf(stateDir)
      await assert.rejects(fork(source), { code })
      assert.deepEqual(tracesOf(stateDir), before)
      assert.equal(await shell(source, 'echo on'), 'on\n')
      await source.destroy()
    })
  }

  for (const [name, fill] of [
    ['bytes', 'cat /dev/zero >a; cat /dev/zero >/tmp/a'],
    ['files', 'for i in $(seq 2000); do ln -s /etc/passwd $i || exit 0; done'],
    [
      'attributes',
      `exec perl -e 'for (1 .. 1000) { open my $f, ">", $_ or exit; my ($n, $v) = ("user.a", "a" x 500); syscall(188, $_, $n, $v, 500, 0) }'`,
    ],
  ] as const) {
    test(`a sandbox that has used up all its ${name} can be forked`, async () => {
      const source = await driver.create(
        specOf({ upper: 'memory', limits: { diskBytes: 2 * mebibyte, inodes: 400 } }),
        { signal },
      )
      await run(source, ['sh', '-c', fill]).catch(() => {})
      const used = 'df --output=used,iused /run/forkyard/upper /tmp | tail -n2; ls | wc -l'
      const [child] = await fork(source)
      assert.equal(await shell(child as Sandbox, used), await shell(source, used))
      for (const each of [source, child as Sandbox]) await each.destroy()
    })
  }

  test('a sandbox that has used up its processes can be forked', async () => {
    const source = await create({ processes: 12 })
    const running = source.exec(commandOf(['sh', '-c', 'for i in 1 2 3 4 5 6 7; do sleep 100 & done; echo up; wait']))
    running.exit.catch(() => {})
    await running.stdout[Symbol.asyncIterator]().next()
    if (findCgroups() !== null) await assert.rejects(run(source, ['sh', '-c', '(:) | (:) | (:) | (:)']))
    const [child] = await fork(source)
    assert.equal(await shell(child as Sandbox, 'echo alive'), 'alive\n')
    for (const each of [source, child as Sandbox]) await each.destroy()
  })

  test('a path that is longer than a system call takes is told, and nothing is left', async () => {
    const source = await create()
    const name = '"\\e[2J\\r" . "d" x 200'
    const dig = `for (1 .. 30) { mkdir ${name}; chdir ${name} or die } open my $file, ">", "bottom"`
    assert.equal((await run(source, ['perl', '-e', dig])).code, 0)
    const before = tracesOf(stateDir)
    await assert.rejects(fork(source, 2), (error) => {
      assert.ok(hasCode(error, 'sandbox_failed'))
      const said = String(error.details['stderr'])
      assert.match(said, /Cannot/)
      // The names are the caller's; where the state directory lies is not.
      assert.doesNotMatch(said, /[^\P{Cc}\n]/u)
      assert.ok(!said.includes(stateDir))
      return true
    })
    assert.deepEqual(tracesOf(stateDir), before)
    await source.destroy()
  })

  test('a layer that is taken away under a source is told, and nothing is left of its forks', async () => {
    const builder = await driver.create(specOf(), { signal })
    await driver.freeze(builder, 'img_base')
    const source = await driver.create(specOf({ image: 'img_base' }), { signal })
    renameSync(`${stateDir}/layers/img_base`, `${stateDir}/layers/img_away`)
    const before = tracesOf(stateDir)
    await assert.rejects(fork(source, 2), { code: 'image_not_found' })
    assert.deepEqual(tracesOf(stateDir), before)
    renameSync(`${stateDir}/layers/img_away`, `${stateDir}/layers/img_base`)
    await source.destroy()
    await driver.drop('img_base')
  })

  test('this process holds a little of what is copied at a time', async () => {
    const source = await driver.create(
      specOf({ limits: { diskBytes: 512 * mebibyte, memoryBytes: 1024 * mebibyte } }),
      {
        signal,
      },
    )
    await shell(source, 'head -c 300000000 /dev/zero | tr "\\0" x >file')
    let peak = 0
    const look = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 5)
    const before = process.memoryUsage().rss
    const forks = await fork(source, 2)
    clearInterval(look)
    assert.ok(peak - before < 120 * mebibyte, `${(peak - before) / mebibyte} MiB more`)
    for (const each of forks) assert.equal(await shell(each, 'stat -c %s file'), '300000000\n')
    for (const each of [source, ...forks]) await each.destroy()
  })
})

describe('a fork that is under way', () => {
  const kill = (pid: number | undefined): void => void process.kill(pid ?? 0, 'SIGKILL')
  const cases: Readonly<Record<string, (driver: SandboxDriver, stateDir: string) => void>> = {
    'what reads in the source': (_, stateDir) => kill(copying(stateDir, '-c')[0]),
    'what writes in a fork': (_, stateDir) => kill(copying(stateDir, '-x')[0]),
    'a fork': (_, stateDir) => kill(parentOf(copying(stateDir, '-x')[0] ?? 0)),
    'the launcher of all sandboxes': () =>
      kill(childrenOf(process.pid).find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('launcher'))),
    'the driver': (driver) => void driver.close(),
  }
  for (const [name, end] of Object.entries(cases)) {
    test(`is given up where ${name} ends, and nothing is left of it`, async () => {
      const stateDir = `${enterableFolder()}/state`
      const driver = await openDriver(stateDir)
      const source = await driver.create(specOf({ upper: 'memory' }), { signal })
      await shell(source, 'for i in $(seq 9000); do echo $i >$i; done')
      const before = tracesOf(stateDir)
      const failed = assert.rejects(driver.fork(source, 2, { signal, metadata }), (error: { code: string }) =>
        ['sandbox_failed', 'sandbox_lost'].includes(error.code),
      )
      await untilCopying(stateDir)
      end(driver, stateDir)
      await failed
      const isAlive = await shell(source, 'echo on').then(
        () => true,
        () => false,
      )
      if (isAlive) assert.deepEqual(tracesOf(stateDir), before)
      await untilNoneCopies(stateDir)
      await driver.close()
      assert.deepEqual(tracesOf(stateDir), [])
    })
  }
})

function parentOf(pid: number): number {
  return Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
}
