import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { totalmem } from 'node:os'
import { after, before, describe, test } from 'node:test'
import { finish } from '../../../src/core/exec.ts'
import type { Sandbox, SandboxDriver, Upper } from '../../../src/sandbox/contract.ts'
import { findCgroups } from '../../../src/sandbox/local/cgroup.ts'
import { commandOf, enterableFolder, openDriver, run, shell, specOf } from '../../support/local-sandboxes.ts'
import { processesOf, tracesOf } from '../../support/traces.ts'

const signal = new AbortController().signal
const mebibyte = 1024 ** 2
const stateDir = `${enterableFolder()}/state`
const hasCgroups = findCgroups() !== null
let driver: SandboxDriver

before(async () => {
  driver = await openDriver(stateDir, { tmpBytes: 4 * mebibyte })
})
after(async () => {
  await driver.close()
  assert.deepEqual(tracesOf(stateDir), [])
})

async function withSandbox(upper: Upper, limits: object, use: (sandbox: Sandbox) => Promise<void>): Promise<void> {
  const sandbox = await driver.create(specOf({ upper, limits }), { signal })
  try {
    await use(sandbox)
  } finally {
    await sandbox.destroy()
  }
}

for (const upper of ['memory', 'disk'] as const) {
  describe(`a sandbox with its changes in ${upper}`, () => {
    test('that fills its disk in many files is told disk_limit, and others have room', async () => {
      await withSandbox(upper, { diskBytes: 4 * mebibyte }, async (sandbox) => {
        const fill = 'for i in $(seq 100000); do head -c 1000000 /dev/zero >f$i || exit 1; done'
        await assert.rejects(run(sandbox, ['sh', '-c', fill]), { code: 'disk_limit' })
        await withSandbox(upper, {}, async (neighbour) => {
          await shell(neighbour, 'head -c 8000000 /dev/zero >file')
        })
      })
    })

    test('that has written too much is told so, although its memory was full of it first', async () => {
      const limits = { diskBytes: 8 * mebibyte, memoryBytes: 24 * mebibyte }
      await withSandbox(upper, limits, async (sandbox) => {
        const fill = 'for i in $(seq 100000); do head -c 1000000 /dev/zero >f$i || exit 1; done'
        await assert.rejects(run(sandbox, ['sh', '-c', fill]), { code: 'disk_limit' })
      })
    })

    test('that writes one huge file is told disk_limit', async () => {
      await withSandbox(upper, { diskBytes: 4 * mebibyte }, async (sandbox) => {
        await assert.rejects(run(sandbox, ['sh', '-c', 'exec cat /dev/zero >file']), { code: 'disk_limit' })
        // A file full of holes is no way around it either.
        await assert.rejects(run(sandbox, ['truncate', '-s', '1T', 'sparse']), { code: 'disk_limit' })
      })
    })

    test('that makes files without end is told inode_limit', async () => {
      await withSandbox(upper, { inodes: 300 }, async (sandbox) => {
        const fill = `$n = 0; while (1) { open my $f, '>', 'f' . $n++ or die; }`
        await assert.rejects(run(sandbox, ['perl', '-e', fill]), { code: 'inode_limit' })
      })
    })

    test('cannot hide what it wrote in a directory that it closed to its own user', async () => {
      await withSandbox(upper, { diskBytes: 4 * mebibyte }, async (sandbox) => {
        const hide = 'mkdir h; cd h; for i in 1 2 3 4 5; do head -c 900000 /dev/zero >f$i; done; chmod 0 .; exit 1'
        await assert.rejects(run(sandbox, ['sh', '-c', hide]), { code: 'disk_limit' })
      })
    })

    test('is told of memory, processes and cpu what holds here', async () => {
      await withSandbox(upper, {}, async (sandbox) => {
        if (hasCgroups) assert.deepEqual(sandbox.warnings, [])
        else assert.match(sandbox.warnings.join(), /^no limit on memory, processes and cpu/)
      })
    })
  })
}

test('a program that takes memory without end is told memory_limit, and its neighbour goes on', async () => {
  await withSandbox('memory', { memoryBytes: 32 * mebibyte, diskBytes: 4 * mebibyte }, async (sandbox) => {
    if (!hasCgroups) return assert.match(sandbox.warnings.join(), /no limit on memory/)
    await withSandbox('memory', {}, async (neighbour) => {
      const bomb = `my @kept; push @kept, 'x' x 1_000_000 . $_ for 1 .. 2_000; print "survived"`
      await assert.rejects(run(sandbox, ['perl', '-e', bomb]), { code: 'memory_limit' })
      assert.equal(await shell(neighbour, 'echo on'), 'on\n')
    })
    // The sandbox itself is not lost by it.
    assert.equal(await shell(sandbox, 'echo on'), 'on\n')
  })
})

test('a program that forks without end is told process_limit, and its neighbour goes on', async () => {
  await withSandbox('memory', { processes: 20 }, async (sandbox) => {
    if (!hasCgroups) return assert.match(sandbox.warnings.join(), /no limit on .*processes/)
    await withSandbox('memory', {}, async (neighbour) => {
      const bomb = `my $n = 0; while (1) { my $pid = fork; die "after $n" if !defined $pid; if (!$pid) { sleep 1000 } $n++ }`
      await assert.rejects(run(sandbox, ['perl', '-e', bomb]), { code: 'process_limit' })
      assert.equal(await shell(neighbour, 'echo on'), 'on\n')
    })
    assert.equal(await shell(sandbox, 'echo on'), 'on\n')
  })
})

test('where programs left no room for another process, the disk is watched all the same', async () => {
  const full = 'for (1 .. 64) { my $pid = fork; last if !defined $pid; if (!$pid) { sleep 1000 } } sleep 2;'
  await withSandbox('disk', { processes: 20 }, async (sandbox) => {
    assert.equal((await run(sandbox, ['perl', '-e', `${full} print "there"`])).stdout.toString(), 'there')
  })
  await withSandbox('disk', { processes: 20, inodes: 5 }, async (sandbox) => {
    const files = 'open F, ">", $_ for 1 .. 9;'
    await assert.rejects(run(sandbox, ['perl', '-e', `${files} ${full} sleep 60`]), { code: 'inode_limit' })
  })
})

test('programs together get no more of the processors than their sandbox has', async () => {
  await withSandbox('memory', { cpus: 0.2 }, async (sandbox) => {
    if (!hasCgroups) return assert.match(sandbox.warnings.join(), /no limit on .*cpu/)
    // Its children share the quota; what they used is told by the kernel, whatever else the machine does.
    const spin = `use POSIX; use Time::HiRes 'time'; my $end = time + 1; my $ended = 0;
      for (1 .. 4) { if (!fork) { 1 while time < $end; exit } } wait for 1 .. 4;
      my (undef, undef, undef, $user, $system) = POSIX::times(); print +($user + $system) / POSIX::sysconf(POSIX::_SC_CLK_TCK())`
    const used = Number(await shell(sandbox, `exec perl -e '${spin.replaceAll("'", `"`)}'`))
    assert.ok(used < 0.6, `${used} s of processor time in about a second`)
  })
})

test('a flood of output is ended at its limit', async () => {
  await withSandbox('memory', {}, async (sandbox) => {
    await assert.rejects(run(sandbox, ['yes'], { maxOutputBytes: mebibyte }), { code: 'output_limit' })
  })
})

test('who ignores signals, daemonises or hides in sessions of its own is gone with the deadline', async () => {
  const stubborn = [
    `trap '' TERM INT HUP QUIT; echo up; while :; do sleep 100; done`,
    `setsid sh -c 'setsid sleep 100 & setsid sleep 100 & exit' & echo up; sleep 100`,
    `perl -e 'use POSIX; fork and exit; POSIX::setsid(); fork and exit; chdir "/"; sleep 100'; echo up; sleep 100`,
    `nohup sleep 100 >/tmp/out 2>&1 & echo up; kill -STOP $$`,
  ]
  await withSandbox('memory', {}, async (sandbox) => {
    const idle = processesOf(stateDir)
    for (const script of stubborn) {
      const running = sandbox.exec(commandOf(['sh', '-c', script], { deadlineMs: 400 }))
      await assert.rejects(finish(running), { code: 'deadline_exceeded' })
      assert.deepEqual(processesOf(stateDir), idle, script)
    }
  })
})

test('what a program leaves running ends with it', async () => {
  await withSandbox('memory', {}, async (sandbox) => {
    const idle = processesOf(stateDir)
    assert.equal(await shell(sandbox, 'setsid sleep 100 >/dev/null 2>&1 & echo done'), 'done\n')
    // It is killed with the command; the kernel takes it away a moment later.
    while (processesOf(stateDir).length > idle.length) await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(processesOf(stateDir), idle)
  })
})

test('/tmp and /home together, and /dev/shm, are bounded; / and /dev cannot be written', async () => {
  await withSandbox('memory', { diskBytes: 200 * mebibyte }, async (sandbox) => {
    for (const [place, bytes] of [
      ['/tmp', 4 * mebibyte],
      ['/home', 4 * mebibyte],
      ['/dev/shm', 64 * mebibyte],
    ] as const) {
      const script = `cat /dev/zero >${place}/file 2>/tmp/../dev/null; stat -c %s ${place}/file; rm ${place}/file`
      const written = Number(await shell(sandbox, script))
      assert.ok(written > 0 && written <= bytes, `${written} bytes in ${place}`)
    }
    for (const place of ['/x', '/dev/x', '/run/x', '/run/forkyard/x', '/usr/x', '/etc/x', '/proc/x']) {
      const { code, stderr } = await run(sandbox, ['sh', '-c', `echo >${place}`])
      assert.notEqual(code, 0, place)
      assert.match(stderr.toString(), /Read-only file system|nonexistent/, place)
    }
    assert.ok(!existsSync('/x') && !existsSync('/run/x'))
  })
})

test('memory uppers past their share go to disk, from where they can be frozen', async (t) => {
  const other = await openDriver(`${enterableFolder()}/state`, { memoryUppersShare: 0 })
  t.after(() => other.close())
  const sandbox = await other.create(specOf({ upper: 'memory' }), { signal })
  await shell(sandbox, 'echo kept >file')
  const image = await other.freeze(sandbox, 'img_from_disk')
  const fork = await other.create(specOf({ image: image.id, upper: 'memory' }), { signal })
  assert.equal(await shell(fork, 'cat file'), 'kept\n')
})

test('memory uppers of all processes count together, and those that end make room', async (t) => {
  const place = `${enterableFolder()}/state`
  const share = { memoryUppersShare: (100 * mebibyte) / totalmem() }
  const [one, two] = [await openDriver(place, share), await openDriver(place, share)]
  t.after(() => Promise.all([one.close(), two.close()]))
  const create = (from: SandboxDriver) =>
    from.create(specOf({ upper: 'memory', limits: { diskBytes: 60 * mebibyte } }), { signal })
  const kind = async (sandbox: Sandbox) =>
    (await shell(sandbox, 'df --output=size /run/forkyard/upper | tail -n1')).trim()
  const inMemory = String((60 * mebibyte) / 1024)
  const first = await create(one)
  assert.equal(await kind(first), inMemory)
  assert.notEqual(await kind(await create(two)), inMemory)
  await first.destroy()
  assert.equal(await kind(await create(two)), inMemory)
})

test('processes that have ended do not count, however many there were', async () => {
  await withSandbox('memory', { processes: 16 }, async (sandbox) => {
    for (let turn = 0; turn < 60; turn += 1) assert.equal((await run(sandbox, ['true'])).code, 0)
    if (!hasCgroups) return assert.match(sandbox.warnings.join(), /no limit on .*processes/)
    // Those that live still do.
    const bomb = 'for i in $(seq 40); do sleep 100 & done; wait'
    await assert.rejects(run(sandbox, ['sh', '-c', bomb]), { code: 'process_limit' })
  })
})
