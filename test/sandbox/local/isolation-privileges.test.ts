import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import type { Sandbox, SandboxDriver } from '../../../src/sandbox/contract.ts'
import { commandOf, enterableFolder, openDriver, run, shell, specOf } from '../../support/local-sandboxes.ts'
import { probeInside, told, type Attempt, type Expectation } from '../../support/probe.ts'
import { tracesOf } from '../../support/traces.ts'

const signal = new AbortController().signal
const stateDir = `${enterableFolder()}/state`
let driver: SandboxDriver
let sandbox: Sandbox

before(async () => {
  driver = await openDriver(stateDir)
  sandbox = await driver.create(specOf({ upper: 'memory' }), { signal })
})
after(async () => {
  await driver.close()
  assert.deepEqual(tracesOf(stateDir), [])
})

/** Only root can take groups away; a user's own are there as far as a namespace of that user knows them. */
function groupsInside(): string {
  if (process.getuid?.() === 0) return ''
  const [, groups = ''] = /^Groups:\s*(.*)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  const own = String(process.getgid?.())
  return groups
    .trim()
    .split(/\s+/)
    .filter(Boolean)
    .map((group) => (group === own ? '1000' : '65534'))
    .join(' ')
}

const hardened = {
  Uid: '1000 1000 1000 1000',
  Gid: '1000 1000 1000 1000',
  Groups: groupsInside(),
  NoNewPrivs: '1',
  Seccomp: '2',
  CapInh: '0000000000000000',
  CapPrm: '0000000000000000',
  CapEff: '0000000000000000',
  CapBnd: '0000000000000000',
  CapAmb: '0000000000000000',
}

async function statusOf(): Promise<Record<string, string>> {
  const text = await shell(sandbox, 'exec cat /proc/self/status')
  const fields = text.split('\n').map((line) => line.split(/:\s*/) as [string, string | undefined])
  const found = fields.filter(([name]) => name in hardened)
  return Object.fromEntries(found.map(([name, value]) => [name, (value ?? '').trim().replace(/\s+/g, ' ')]))
}

test('the first, the second and the fiftieth command are hardened alike', async () => {
  assert.deepEqual(await statusOf(), hardened)
  assert.deepEqual(await statusOf(), hardened)
  for (let turn = 0; turn < 12; turn += 1) await Promise.all([1, 2, 3, 4].map(() => run(sandbox, ['true'])))
  assert.deepEqual(await statusOf(), hardened)
  const descriptors = `exec perl -e 'opendir D, "/proc/self/fd"; print join " ", sort grep /\\d/, readdir D'`
  assert.equal(await shell(sandbox, descriptors), '0 1 2 3', 'the fourth reads the list')
})

test('a command has no terminal, no core dump and no way to raise its limits', async () => {
  const said = await shell(
    sandbox,
    'cat /proc/self/stat | cut -d" " -f7; ulimit -Hc; ulimit -Hn; ulimit -n 5000 2>/dev/null || echo no',
  )
  assert.deepEqual(said.trim().split('\n'), ['0', '0', '4096', 'no'])
  assert.notEqual((await run(sandbox, ['sh', '-c', ': </dev/tty'])).code, 0)
  const { code } = await run(sandbox, ['sh', '-c', 'kill -SEGV $$'])
  assert.equal(code, 139)
  assert.equal(await shell(sandbox, 'ls -A'), '')
})

test('no mount lets a program become another, and only /dev has devices', async () => {
  const mounts = (await shell(sandbox, 'exec cat /proc/self/mountinfo'))
    .trim()
    .split('\n')
    .map((line) => line.split(' '))
  assert.ok(mounts.length > 10)
  for (const [, , , , target = '', options = ''] of mounts) {
    assert.ok(options.split(',').includes('nosuid'), `${target} ${options}`)
    if (!target.startsWith('/dev')) assert.ok(options.split(',').includes('nodev'), `${target} ${options}`)
  }
  const readOnly = mounts
    .filter(([, , , , , options = '']) => options.split(',').includes('ro'))
    .map(([, , , , target]) => target)
  for (const target of ['/', '/usr', '/etc', '/dev', '/run/forkyard/upper'])
    assert.ok(readOnly.includes(target), target)
})

test('setuid bits and programs of root give nothing', async () => {
  await shell(sandbox, 'cp /usr/bin/perl own && chmod 6755 own')
  const told = await shell(sandbox, `./own -e 'print "$< $> $(+0 $)+0"'; find /usr/bin -perm -4000 -name su`)
  assert.match(told, /^1000 1000 /)
  const status = await shell(sandbox, `./own -e 'exec "grep", "-E", "CapEff|NoNewPrivs", "/proc/self/status"'`)
  assert.match(status, /CapEff:\s0{16}\nNoNewPrivs:\s1/)
})

/** Numbers of calls; the filter as a whole is tested call by call in seccomp.test.ts, here only that it is on. */
const calls =
  process.arch === 'x64'
    ? {
        mknodat: 259,
        mount: 165,
        umount2: 166,
        unshare: 272,
        setns: 308,
        ptrace: 101,
        keyctl: 250,
        bpf: 321,
        io_uring: 425,
      }
    : {
        mknodat: 33,
        mount: 40,
        umount2: 39,
        unshare: 97,
        setns: 268,
        ptrace: 117,
        keyctl: 219,
        bpf: 280,
        io_uring: 425,
      }
const AT_FDCWD = -100
const REMOUNT_BIND = 32 | 4096

test('devices, mounts, namespaces, roots and other users cannot be had', async () => {
  const all: readonly Expectation[] = [
    [['syscall', calls.mknodat, AT_FDCWD, '=/workspace/zero', 0o020666, 0x105], 'EPERM'],
    [['syscall', calls.mknodat, AT_FDCWD, '=/tmp/disk', 0o060666, 0x800], 'EPERM'],
    [['syscall', calls.mount, '=none', '=/usr', '=', REMOUNT_BIND, 0], 'EPERM'],
    [['syscall', calls.mount, '=none', '=/run/forkyard/upper', '=', REMOUNT_BIND, 0], 'EPERM'],
    [['syscall', calls.mount, '=proc', '=/tmp', '=proc', 0, 0], 'EPERM'],
    [['syscall', calls.umount2, '=/usr', 2], 'EPERM'],
    [['syscall', calls.unshare, 0x10000000], 'EPERM'],
    [['syscall', calls.ptrace, 16, 1, 0, 0], 'EPERM'],
    [['syscall', calls.keyctl, 0, -3, 0], 'EPERM'],
    [['syscall', calls.bpf, 0, 0, 0], 'EPERM'],
    [['chroot', '/tmp'], 'EPERM'],
    [['setuid', 0], 'EPERM'],
    [['setuid', 65_533], 'EPERM'],
    [['chown', '/workspace'], 'EPERM'],
    [['nice'], 'EACCES'],
  ]
  const attempts: Attempt[] = all.map(([attempt]) => attempt)
  const ends = await probeInside(sandbox, attempts)
  // A user that is not mapped is EINVAL to the kernel, which is a refusal as well.
  const plain = ends.map((end, index) =>
    /^(setuid|chown)$/.test(attempts[index]?.[0] ?? '') && end === 'EINVAL' ? 'EPERM' : end,
  )
  assert.deepEqual(
    told(attempts, plain),
    told(
      attempts,
      all.map(([, end]) => end),
    ),
  )
})

test('a command cannot touch the first process of its sandbox, nor outlive it', async () => {
  const running = sandbox.exec(
    commandOf(['sh', '-c', 'kill -9 1; kill -STOP 1; kill -TERM 1; echo still here'], { deadlineMs: 5000 }),
  )
  let said = ''
  for await (const chunk of running.stdout) said += Buffer.from(chunk).toString()
  assert.equal(said, 'still here\n')
  assert.equal((await running.exit).code, 0)
})
