import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { after, before, test } from 'node:test'
import type { Sandbox, SandboxDriver } from '../../../src/sandbox/contract.ts'
import { commandOf, enterableFolder, openDriver, run, shell, specOf } from '../../support/local-sandboxes.ts'
import { probeInside, probeOutside, told, type Attempt, type Expectation } from '../../support/probe.ts'
import { tracesOf } from '../../support/traces.ts'

const signal = new AbortController().signal
const folder = enterableFolder()
const stateDir = `${folder}/state`
const marker = `forkyard-test-${randomUUID()}`
const secret = `secret-${randomUUID()}`
const hostMarker = `${tmpdir()}/${marker}`
const layer = `${stateDir}/layers/img_golden`
const shown = '/run/forkyard/layers/img_golden'

let driver: SandboxDriver
let fork: Sandbox
let neighbour: Sandbox

before(async () => {
  process.env['FORKYARD_TEST_SECRET'] = secret
  writeFileSync(hostMarker, secret)
  chmodSync(hostMarker, 0o666)
  driver = await openDriver(stateDir)
  const builder = await driver.create(specOf(), { signal })
  await shell(
    builder,
    'mkdir dir; echo golden >dir/file; echo golden >file; printf "#!/bin/sh\\n" >tool; chmod 777 . dir dir/file file tool',
  )
  await driver.freeze(builder, 'img_golden')
  const spec = specOf({ image: 'img_golden', upper: 'memory' })
  fork = await driver.create(spec, { signal })
  neighbour = await driver.create(spec, { signal })
  for (const place of ['/workspace', '/tmp', '/home', '/dev/shm'])
    await shell(neighbour, `echo ${secret} >${place}/${marker}`)
  const running = neighbour.exec(
    commandOf(['sh', '-c', `echo up; sleep 60; : ${marker}`], { env: { PATH: '/usr/bin', secret } }),
  )
  running.exit.catch(() => {})
  await running.stdout[Symbol.asyncIterator]().next()
})
after(async () => {
  await driver.close()
  rmSync(hostMarker, { force: true })
  assert.deepEqual(tracesOf(stateDir), [])
})

/** Names, modes, owners, times and contents of the golden layer, as the host sees them. */
function layerHash(): string {
  const script = `cd "$1" && { find . -printf '%p %y %m %U %G %n %i %T@ %C@\\n' | sort; find . -type f -exec sha256sum {} + | sort; } | sha256sum`
  return execFileSync('sh', ['-c', script, 'sh', layer]).toString()
}

async function expectAll(sandbox: Sandbox, all: readonly Expectation[]): Promise<void> {
  const attempts = all.map(([attempt]) => attempt)
  assert.deepEqual(
    told(attempts, await probeInside(sandbox, attempts)),
    told(
      attempts,
      all.map(([, end]) => end),
    ),
  )
  const harmless = all.filter(([, , outside]) => outside === 'ok').map(([attempt]) => attempt)
  assert.deepEqual(
    told(harmless, await probeOutside(harmless)),
    told(
      harmless,
      harmless.map(() => 'ok'),
    ),
  )
}

test("the host's files and processes are not there", async () => {
  await expectAll(fork, [
    [['read', '/etc/shadow'], 'ENOENT'],
    [['list', '/root'], 'ENOENT'],
    [['list', '/var'], 'ENOENT', 'ok'],
    // What is below /sys are two files of ours, see huge-pages.test.ts.
    [['list', '/sys/class'], 'ENOENT', 'ok'],
    [['list', '/sys/fs'], 'ENOENT', 'ok'],
    [['list', '/boot'], 'ENOENT'],
    [['read', '/etc/hostname'], 'ENOENT'],
    [['exists', folder], 'ENOENT', 'ok'],
    [['exists', stateDir], 'ENOENT', 'ok'],
    [['read', hostMarker], 'ENOENT', 'ok'],
    [['change', hostMarker], 'ENOENT', 'ok'],
    [['exists', `/proc/${process.pid}`], 'ENOENT', 'ok'],
    [['kill', process.pid], 'ESRCH'],
    [['exists', `/proc/1/root${hostMarker}`], 'ENOENT'],
    [['exists', `/proc/self/root${hostMarker}`], 'ENOENT', 'ok'],
    [['exists', `/proc/self/cwd/../../../..${hostMarker}`], 'ENOENT', 'ok'],
    ...['mem', 'kmem', 'kmsg', 'sda', 'vda', 'fuse', 'kvm', 'loop-control', 'net/tun', 'vsock', 'console', 'tty0'].map(
      (name): Expectation => [['exists', `/dev/${name}`], 'ENOENT'],
    ),
  ])
})

test('another sandbox of the same image is not there, nor are its processes', async () => {
  const found = await shell(fork, `find / -path /usr -prune -o -path /proc -prune -o -name '${marker}' -print; true`)
  assert.equal(found, '')
  assert.equal(
    (await shell(neighbour, `find /tmp /home /workspace /dev/shm -name '${marker}'`)).trim().split('\n').length,
    4,
  )
  const lines = await shell(fork, `cat /proc/[0-9]*/cmdline | tr '\\0' ' '`)
  assert.ok(!lines.includes('sleep 60'), lines)
  const pids = (await shell(fork, 'ls /proc')).split('\n').filter((name) => /^\d+$/.test(name))
  assert.deepEqual(pids, ['1', '2', '3'].slice(0, pids.length))
})

test('no secret of the service, of the host or of another sandbox is in any file of /proc', async () => {
  // Outside the service's environment can be read by its own user, which shows that the search finds what is there.
  assert.ok(execFileSync('sh', ['-c', 'cat /proc/self/environ'], { env: process.env }).includes(secret))
  const search = `for f in /proc/[0-9]*/environ /proc/[0-9]*/cmdline /proc/[0-9]*/mountinfo /proc/[0-9]*/maps /proc/[0-9]*/comm
    /proc/*/task/*/environ /proc/keys /proc/net/unix /proc/cmdline /proc/mounts; do cat $f 2>/dev/null; done; true`
  const all = await shell(fork, search.replaceAll('\n', ' '))
  assert.ok(all.length > 1000)
  assert.ok(!all.includes(secret))
  const first = await shell(fork, `tr '\\0' '\\n' </proc/1/environ`)
  const names = first
    .trim()
    .split('\n')
    .map((line) => line.replace(/=.*/, ''))
  assert.deepEqual(new Set(names), new Set(['FORKYARD_SANDBOX', 'PATH']))
})

test('nothing that sandboxes share can be written, in any way', async () => {
  const before = layerHash()
  const places = [
    '/usr',
    '/usr/bin',
    '/etc',
    '/run',
    '/run/forkyard',
    '/run/forkyard/upper',
    shown,
    `${shown}/dir`,
    '/dev',
    '/',
  ]
  const files = ['/usr/bin/perl', '/etc/.probe', `${shown}/file`, `${shown}/dir/file`, '/run/forkyard/stack']
  const owned = files.slice(2, 4)
  await expectAll(fork, [
    ...places.map((place): Expectation => [['write', `${place}/${marker}`], 'EROFS']),
    ...places.map((place): Expectation => [['mkdir', `${place}/${marker}`], 'EROFS']),
    ...places.slice(0, -1).map((place): Expectation => [['chmod', place], 'EROFS']),
    ...owned.flatMap((file): Expectation[] => [
      [['write', file], 'EROFS'],
      [['truncate', file], 'EROFS'],
      [['unlink', file], 'EROFS'],
      [['rename', file, `${file}-moved`], 'EROFS'],
      [['rename', file, '/workspace/stolen'], 'EXDEV'],
      [['chmod', file], 'EROFS'],
      [['touch', file], 'EROFS'],
      [['link', file, '/workspace/hard'], 'EXDEV'],
      [['link', file, `${file}-hard`], 'EROFS'],
    ]),
    [['change', '/usr/bin/perl'], 'EACCES'],
    [['chmod', '/usr/bin/perl'], 'EROFS'],
    [['write', '/run/forkyard/stack'], 'EROFS'],
    [['write', `/proc/self/root${shown}/file`], 'EROFS'],
  ])
  // Outside the same user could: it is the mounts that forbid it, not the rights.
  await driver.freeze(await driver.create(specOf({ image: 'img_golden' }), { signal }), 'img_spare')
  assert.deepEqual(await probeOutside([['write', `${stateDir}/layers/img_spare/${marker}`]]), ['ok'])
  await driver.drop('img_spare')
  // Its own copy of the same file can be, and changes nothing below.
  await shell(fork, 'echo changed >file; chmod 000 dir/file; rm tool; mv file moved; touch -d @1 dir')
  assert.equal(layerHash(), before)
  assert.equal(await shell(neighbour, 'cat file dir/file; ls'), `golden\ngolden\ndir\nfile\n${marker}\ntool\n`)
})

test('a change through an open file, a mapping or a rename race never reaches the layer', async () => {
  const before = layerHash()
  const race = `for (1 .. 200) { open my $f, '+<', 'dir/file' or die; print $f 'x' x 5000; rename 'dir/file', 'dir/other'; rename 'dir/other', 'dir/file'; link 'dir/file', "dir/hard$_" }`
  const one = await driver.create(specOf({ image: 'img_golden', upper: 'disk' }), { signal })
  await Promise.all([1, 2, 3].map(() => run(one, ['perl', '-e', race])))
  await one.destroy()
  assert.equal(layerHash(), before)
})

test('kernel switches cannot be turned', async () => {
  const switches: Attempt[] = [
    ['write', '/proc/sys/kernel/core_pattern'],
    ['write', '/proc/sys/kernel/hostname'],
    ['write', '/proc/sys/vm/drop_caches'],
    ['write', '/proc/sys/user/max_user_namespaces'],
    ['write', '/proc/sysrq-trigger'],
    ['write', '/proc/self/uid_map'],
    ['write', '/proc/self/setgroups'],
    ['write', '/proc/1/mem'],
    ['write', '/proc/irq/default_smp_affinity'],
  ]
  for (const [index, end] of (await probeInside(fork, switches)).entries())
    assert.match(end, /^(EACCES|EROFS|EPERM|ENOENT|EIO)$/, switches[index]?.join(' '))
})

test('locks that a sandbox takes on shared files stop neither the driver nor other sandboxes', async () => {
  const shared = [
    '/usr/bin/perl',
    '/usr/bin/git',
    '/usr/bin/bwrap',
    '/usr/bin',
    '/etc',
    shown,
    `${shown}/file`,
    '/run/forkyard/stack',
  ]
  const script = `use Fcntl ':flock'; for (@ARGV) { open $f{$_}, '<', $_ or die "$_: $!"; flock $f{$_}, LOCK_EX or die } $| = 1; print 'locked'; sleep 60`
  const locking = fork.exec(commandOf(['perl', '-e', script, ...shared]))
  locking.exit.catch(() => {})
  const said = await locking.stdout[Symbol.asyncIterator]().next()
  assert.equal(Buffer.from(said.value ?? []).toString(), 'locked')
  const other = await driver.create(specOf({ image: 'img_golden' }), { signal })
  await shell(other, 'git init -q . && git add . && git status --porcelain && perl -e 1')
  await driver.freeze(other, 'img_beside_locks')
  await driver.drop('img_beside_locks')
  locking.signal('SIGKILL')
  await locking.exit
})

test('what a program makes is nowhere on the host, before and after its end', async () => {
  const name = `forkyard-test-${randomUUID()}`
  const one = await driver.create(specOf({ upper: 'memory' }), { signal })
  const places = ['/tmp', '/home', '/dev/shm', '/workspace', '/var/tmp', '/']
  await shell(one, `for place in ${places.join(' ')}; do touch $place/${name} 2>/dev/null; done; true`)
  const onHost = (): string[] => [...places, tmpdir(), stateDir].filter((place) => existsSync(`${place}/${name}`))
  assert.deepEqual(onHost(), [])
  await one.destroy()
  assert.deepEqual(onHost(), [])
})
