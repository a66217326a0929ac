import assert from 'node:assert/strict'
import { test } from 'node:test'
import { finish } from '../../src/core/exec.ts'
import type { Sandbox } from '../../src/sandbox/contract.ts'
import type { DriverCases } from './driver-cases.ts'
import { commandOf, run, shell } from './local-sandboxes.ts'

const signal = new AbortController().signal
const metadata = (): Record<string, string> => ({})

/** What becomes of the programs of a sandbox that is forked, and of forks that cannot be made. */
export function forkEndingCases({ driver, create }: DriverCases): void {
  const fork = async (sandbox: Sandbox): Promise<Sandbox> =>
    (await driver().fork(sandbox, 1, { signal, metadata }))[0] as Sandbox

  const ids = async (): Promise<readonly string[]> => {
    const found: string[] = []
    for await (const { id } of driver().sandboxes()) found.push(id)
    return found.toSorted()
  }

  /** Forks again and again until `ended` is settled; returns how often. */
  async function forkUntil(ended: Promise<unknown>, sandbox: Sandbox): Promise<number> {
    const work = { isOver: false }
    const end = (): void => void (work.isOver = true)
    ended.then(end, end)
    let count = 0
    for (; !work.isOver; count += 1) await (await fork(sandbox)).destroy()
    return count
  }

  test('programs of a sandbox go on while it is forked, and end as they would have', async () => {
    const sandbox = await create({ upper: 'memory' })
    const talk = `$| = 1; for my $n (1 .. 400) { print map { "$n $_\\n" } 1 .. 100; print STDERR "$n\\n"; select undef, undef, undef, 0.001 } exit 42`
    const talking = finish(sandbox.exec(commandOf(['perl', '-e', talk])))
    const shells = finish(
      sandbox.exec(
        commandOf(['sh', '-c', 'for i in $(seq 100); do (exit 3) | cat; sh -c "exit 5" & wait $! || echo $?; done']),
      ),
    )
    assert.ok((await forkUntil(Promise.all([talking, shells]), sandbox)) > 1)
    const { code, stdout, stderr } = await talking
    const lines = Array.from({ length: 400 }, (_, n) => Array.from({ length: 100 }, (_, at) => `${n + 1} ${at + 1}\n`))
    assert.equal(code, 42)
    assert.equal(stdout.toString(), lines.flat().join(''))
    assert.equal(stderr.toString().split('\n').length, 401)
    assert.equal((await shells).stdout.toString(), '5\n'.repeat(100))
    await sandbox.destroy()
  })

  test('a fork is of one moment, whatever programs write meanwhile', async () => {
    const sandbox = await create({ upper: 'memory' })
    // Each file tells how far the program is; "early" is read first and "zlate" last, or the other way round.
    const write = `for (my $n = 1; ; $n++) { for my $name ('early', '/home/middle', 'zlate', '/tmp/last') {
      open my $file, '>', "$name.new" or die; print $file $n; close $file; rename "$name.new", $name } }`
    const filler = 'mkdir m; cd m; for i in $(seq 500); do echo $i >$i; done'
    await shell(sandbox, filler)
    const writing = sandbox.exec(commandOf(['perl', '-e', write]))
    writing.exit.catch(() => {})
    await shell(sandbox, 'until test -e /tmp/last; do :; done')
    let seen = 0
    for (let turn = 0; turn < 5; turn += 1) {
      const child = await fork(sandbox)
      const counts = (await shell(child, 'for f in early /home/middle zlate /tmp/last; do cat $f; echo; done'))
        .trim()
        .split('\n')
        .map(Number)
      const [first = 0, , , last = 0] = counts
      assert.deepEqual(
        counts,
        counts.toSorted((a, b) => b - a),
      )
      assert.ok(first - last <= 1, String(counts))
      assert.ok(last > seen, 'the program goes on between two forks')
      seen = last
      assert.equal(await shell(child, 'cat /proc/[0-9]*/comm | grep -c perl || :'), '0\n')
      await child.destroy()
    }
    await sandbox.destroy()
  })

  test('no command is lost or harmed by a fork that is made while it starts', async () => {
    const sandbox = await create({ upper: 'memory' })
    const commands = (async () => {
      for (let turn = 0; turn < 25; turn += 1) {
        const texts = await Promise.all(
          Array.from({ length: 4 }, (_, index) => shell(sandbox, `echo ${index} | tee /tmp/side-${turn}-${index}`)),
        )
        assert.deepEqual(texts, ['0\n', '1\n', '2\n', '3\n'])
      }
    })()
    assert.ok((await forkUntil(commands, sandbox)) > 1)
    await commands
    assert.equal(await shell(sandbox, 'ls /tmp | wc -l'), '100\n')
    await sandbox.destroy()
  })

  test('a deadline, a signal and who gives up reach programs of a sandbox that is being forked', async () => {
    const sandbox = await create({ upper: 'memory' })
    await shell(sandbox, 'for i in $(seq 2000); do echo $i >$i; done')
    const late = finish(sandbox.exec(commandOf(['sleep', '60'], { deadlineMs: 200 })))
    const caller = new AbortController()
    const canceled = finish(sandbox.exec(commandOf(['sleep', '60'], { signal: caller.signal })))
    const heard = sandbox.exec(
      commandOf(['sh', '-c', `trap 'echo heard; exit 7' TERM; echo up; while :; do sleep 0.01; done`]),
    )
    const answering = (async () => {
      let said = ''
      for await (const chunk of heard.stdout) {
        said += Buffer.from(chunk).toString()
        if (said === 'up\n') setImmediate(() => heard.signal('SIGTERM'))
      }
      return said
    })()
    setTimeout(() => caller.abort(), 100)
    const ends = Promise.allSettled([late, canceled, heard.exit])
    await forkUntil(ends, sandbox)
    await assert.rejects(late, { code: 'deadline_exceeded' })
    await assert.rejects(canceled, { code: 'canceled' })
    assert.equal(await answering, 'up\nheard\n')
    assert.equal((await heard.exit).code, 7)
    await sandbox.destroy()
  })

  test('a program that had stopped by itself still is when its sandbox was forked', async () => {
    const sandbox = await create({ upper: 'memory' })
    const stop = `kill -STOP $$; echo went on >went; exit 9`
    const watch = `sh -c '${stop}' & until grep -q '^State:.T' /proc/$!/status; do :; done; echo stopped; wait $!`
    const running = sandbox.exec(commandOf(['sh', '-c', watch]))
    const said = running.stdout[Symbol.asyncIterator]()
    assert.equal(Buffer.from((await said.next()).value as Uint8Array).toString(), 'stopped\n')
    for (let turn = 0; turn < 3; turn += 1) {
      const child = await fork(sandbox)
      await shell(child, 'test ! -e went')
      await child.destroy()
    }
    running.signal('SIGCONT')
    assert.equal((await said.next()).done, true)
    assert.equal((await running.exit).code, 9)
    assert.equal(await shell(sandbox, 'cat went'), 'went on\n')
    await sandbox.destroy()
  })

  test('where one fork cannot be made, none is left and the source goes on', async () => {
    const sandbox = await create({ upper: 'memory' })
    const before = await ids()
    const failing = (index: number): Record<string, string> => {
      if (index === 2) throw new Error('not the third')
      return {}
    }
    await assert.rejects(driver().fork(sandbox, 4, { signal, metadata: failing }), /not the third/)
    assert.deepEqual(await ids(), before)
    assert.equal(await shell(sandbox, 'echo on'), 'on\n')
    await sandbox.destroy()
  })

  test('giving up a fork at any moment leaves the source as it was and nothing else', async () => {
    const sandbox = await create({ upper: 'memory' })
    await shell(sandbox, 'for i in $(seq 1000); do echo $i >$i; done')
    const before = await ids()
    await assert.rejects(driver().fork(sandbox, 1, { signal: AbortSignal.abort(), metadata }), { code: 'canceled' })
    for (let turn = 0; turn < 20; turn += 1) {
      const caller = new AbortController()
      const forking = driver().fork(sandbox, 2, { signal: caller.signal, metadata })
      const ending = forking.then(
        async (forks) => void (await Promise.all(forks.map((one) => one.destroy()))),
        (error: unknown) => assert.equal((error as { code?: unknown }).code, 'canceled'),
      )
      for (let tick = 0; tick < 3 * turn; tick += 1) await new Promise((resolve) => setTimeout(resolve, 0.5))
      caller.abort()
      await ending
      assert.deepEqual(await ids(), before)
    }
    assert.equal(await shell(sandbox, 'ls | wc -l'), '1000\n')
    await sandbox.destroy()
  })

  test('a sandbox that ends while it is forked takes the forks with it; one that is gone cannot be forked', async () => {
    const before = await ids()
    for (const end of ['destroy', 'freeze'] as const) {
      const sandbox = await create()
      await shell(sandbox, 'for i in $(seq 1000); do echo $i >$i; done')
      const forking = driver().fork(sandbox, 2, { signal, metadata })
      const lost = assert.rejects(forking, { code: 'sandbox_lost' })
      if (end === 'destroy') await sandbox.destroy()
      else await driver().drop((await driver().freeze(sandbox, 'img_while_forking')).id)
      await lost
      await assert.rejects(driver().fork(sandbox, 1, { signal, metadata }), { code: 'sandbox_lost' })
      await assert.rejects(async () => run(sandbox, ['true']), { code: 'sandbox_lost' })
    }
    assert.deepEqual(await ids(), before)
  })

  test('several forks of one sandbox may be under way at once', async () => {
    const sandbox = await create({ upper: 'memory' })
    await shell(sandbox, 'echo same >file')
    const forks = await Promise.all(Array.from({ length: 5 }, () => fork(sandbox)))
    for (const one of forks) assert.equal(await shell(one, 'cat file'), 'same\n')
    for (const one of [sandbox, ...forks]) await one.destroy()
  })
}
