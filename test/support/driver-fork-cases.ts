import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import type { Sandbox, SandboxRecord } from '../../src/sandbox/contract.ts'
import type { DriverCases } from './driver-cases.ts'
import { run, shell } from './local-sandboxes.ts'
import { forgeAttributes, steps, tree } from './overlay-work.ts'

const signal = new AbortController().signal

/** Files of every kind, with names and times that are easily lost on the way. */
const everything = String.raw`
  use strict;
  sub file { my ($name, $content) = @_; open my $file, '>', $name or die "$name: $!"; print $file $content; close $file }
  mkdir $_ or die "$_: $!" for 'dir', 'dir/sub', 'sticky', 'closed', 'read-only', '-C';
  file("dir/$_", $_) for "new\nline", ' leading', '-rf', '--checkpoint-action=exec=touch hit', '*', '"', "'", '\\', '%3D=',
    "\xff\xfe", 'ü', 'x' x 255, '$(touch hit)', "\e[31m", '#', '@file', 'a,b:c', '...';
  file('empty', ''); file('block', 'x' x 512); file('large', join '', map { "$_\n" } 1 .. 200_000);
  file('secret', 'secret'); file('setuid', ''); file('read-only/file', 'kept'); file('closed/file', 'hidden');
  chmod 0400, 'secret'; chmod 04755, 'setuid'; chmod 01777, 'sticky'; chmod 0500, 'read-only';
  symlink '/etc/passwd', 'absolute'; symlink '../../outside', 'dir/upwards'; symlink 'dir', 'to-dir'; symlink '/', 'root';
  symlink "new\nline", 'dir/to-new-line';
  link 'block', 'dir/sub/same'; link 'absolute', 'same-link';
  system 'mkfifo', 'fifo';
  open my $sparse, '>', 'sparse'; truncate $sparse, 50 << 20; seek $sparse, 25 << 20, 0; print $sparse 'middle'; close $sparse;
  my ($noted, $note, $value) = ('block', 'user.note', "a\0=\n");
  syscall(188, $noted, $note, $value, 4, 0) == 0 or die "setxattr: $!";
  system 'touch', '-h', '-d', $_->[0], $_->[1] for ['1960-01-02 03:04:05.678901234', 'empty'], ['2099-01-01', 'block'],
    ['2001-02-03 04:05:06.000000007', 'absolute'], ['2002-02-02 02:02:02.2', 'dir/sub'], ['2003-03-03', 'closed'];
  chmod 0, 'closed';`

/** All that can be seen of the working copy without opening what is closed. */
const look = String.raw`
  find . ! -path ./closed/file -printf '%y %m %n %s %T@ %l %P\0' 2>/dev/null | LC_ALL=C sort -z | tr '\0' '|'
  find . -type f ! -name sparse ! -path ./closed/file -print0 2>/dev/null | LC_ALL=C sort -z | xargs -0 sha256sum
  tail -c +26214401 sparse | head -c 6; du -k sparse | cut -f1
  perl -e '($file, $name, $value) = ("block", "user.note", "\0" x 9); print syscall(191, $file, $name, $value, 9), unpack "H*", $value'`

/** What forks of live sandboxes hold. */
export function forkCases({ driver, create }: DriverCases): void {
  const fork = async (sandbox: Sandbox): Promise<Sandbox> =>
    (await driver().fork(sandbox, 1, { signal, metadata: () => ({}) }))[0] as Sandbox

  for (const upper of ['memory', 'disk'] as const) {
    test(`a fork of a live sandbox with its changes in ${upper} holds all of them, whatever they are`, async () => {
      const builder = await create()
      const { id } = await driver().freeze(builder, `img_${randomUUID()}`)
      for (const image of [null, id]) {
        const sandbox = await create({ image, upper })
        const { code, stderr } = await run(sandbox, ['perl', '-e', everything])
        assert.equal(code, 0, stderr.toString())
        const expected = await shell(sandbox, look)
        assert.match(expected, /middle\d\n461003d0a/)
        const child = await fork(sandbox)
        assert.equal(await shell(child, look), expected)
        assert.equal(await shell(child, 'chmod 700 closed; cat closed/file; test ! -e hit'), 'hidden')
        assert.equal(await shell(sandbox, look), expected)
        for (const one of [sandbox, child]) await one.destroy()
      }
      await driver().drop(id)
    })

    test(`forks of live sandboxes in ${upper} are right about what was removed and replaced in an image`, async () => {
      const builder = await create()
      await shell(builder, steps[0] ?? '')
      const { id } = await driver().freeze(builder, `img_${randomUUID()}`)
      let sandbox = await create({ image: id, upper })
      for (const step of steps.slice(1)) {
        await shell(sandbox, step)
        const expected = await tree(sandbox)
        const child = await fork(sandbox)
        assert.equal(child.image, id)
        assert.equal(await tree(child), expected, step)
        await sandbox.destroy()
        sandbox = child
      }
      await sandbox.destroy()
      await driver().drop(id)
    })
  }

  test('a fork and its source do not see what the other writes later', async () => {
    const sandbox = await create({ upper: 'memory' })
    await shell(sandbox, 'echo before >file; echo before >/tmp/file; mkdir dir; echo gone >dir/gone')
    const [one, two] = (await driver().fork(sandbox, 2, { signal, metadata: () => ({}) })) as [Sandbox, Sandbox]
    await shell(sandbox, 'echo source >file; rm -r dir')
    await shell(one, 'echo one >file; echo one >/tmp/file')
    assert.equal(await shell(sandbox, 'cat file /tmp/file; ls'), 'source\nbefore\nfile\n')
    assert.equal(await shell(one, 'cat file /tmp/file; ls'), 'one\none\ndir\nfile\n')
    assert.equal(await shell(two, 'cat file /tmp/file; ls dir'), 'before\nbefore\ngone\n')
    await sandbox.destroy()
    const grandchild = await fork(one)
    await one.destroy()
    assert.equal(await shell(grandchild, 'cat file /tmp/file dir/gone'), 'one\none\ngone\n')
    for (const left of [two, grandchild]) await left.destroy()
  })

  test('a fork has /home and /tmp of its source, but neither /dev/shm nor sockets', async () => {
    const sandbox = await create({ upper: 'memory' })
    await shell(
      sandbox,
      'mkdir -m 700 /home/.cache; echo home >/home/.cache/file; ln -s /home /tmp/link; mkfifo /tmp/pipe',
    )
    await shell(sandbox, 'echo shared >/dev/shm/file; chmod 1777 /tmp; touch -d 2001-01-01 /home')
    const listen = `use Socket; socket my $s, AF_UNIX, SOCK_STREAM, 0; bind $s, sockaddr_un($_) or die $! for @ARGV; listen $s, 1`
    assert.equal((await run(sandbox, ['perl', '-e', listen, '/tmp/socket'])).code, 0)
    assert.equal((await run(sandbox, ['perl', '-e', listen, 'socket'])).code, 0)
    const child = await fork(sandbox)
    const list = `cd /home; find . /tmp -printf '%y %m %T@ %l %p\\n' | grep -v socket | sort; cat .cache/file`
    // A directory is as old as the last name that came or went, and the socket's came.
    assert.equal(await shell(child, list), await shell(sandbox, list))
    assert.equal(await shell(child, 'ls /dev/shm; find /tmp /workspace -name socket'), '')
    for (const one of [sandbox, child]) await one.destroy()
  })

  test('forks are told apart by what is noted about them; none are made where none are asked for', async () => {
    const sandbox = await create({ upper: 'memory', metadata: { purpose: 'source' } })
    assert.deepEqual(await driver().fork(sandbox, 0, { signal, metadata: () => assert.fail('none') }), [])
    const forks = await driver().fork(sandbox, 3, { signal, metadata: (index) => ({ index: String(index) }) })
    const records: SandboxRecord[] = []
    for await (const record of driver().sandboxes()) records.push(record)
    const noted = forks.map(({ id }) => records.find((record) => record.id === id)?.metadata)
    assert.deepEqual(noted, [{ index: '0' }, { index: '1' }, { index: '2' }])
    assert.equal(new Set([sandbox, ...forks].map(({ id }) => id)).size, 4)
    for (const one of [sandbox, ...forks]) await one.destroy()
  })

  test('attributes that a program forges do not steer the overlay of a fork of its live sandbox', async () => {
    const builder = await create()
    await shell(builder, 'mkdir dir other; echo below >dir/below; echo other >other/file')
    const { id } = await driver().freeze(builder, `img_${randomUUID()}`)
    for (const image of [id, null]) {
      for (const upper of ['memory', 'disk'] as const) {
        const sandbox = await create({ image, upper })
        await shell(sandbox, 'mkdir -p dir other; echo below >dir/below; echo own >dir/own; echo other >other/file')
        await run(sandbox, ['perl', '-e', forgeAttributes])
        const child = await fork(sandbox)
        const grandchild = await fork(child)
        const seen = await shell(grandchild, 'cat dir/below dir/own other/file; ls dir')
        assert.equal(seen, 'below\nown\nother\nbelow\nown\n')
        for (const one of [sandbox, child, grandchild]) await one.destroy()
      }
    }
    await driver().drop(id)
  })

  test('what is forked can be forked again and frozen as its source could, even when their image is dropped', async () => {
    const builder = await create()
    await shell(builder, 'echo base >base')
    const { id } = await driver().freeze(builder, `img_${randomUUID()}`)
    const sandbox = await create({ image: id })
    const inMemory = await create({ image: id, upper: 'memory' })
    await shell(sandbox, 'echo own >own')
    await driver().drop(id)
    const child = await fork(sandbox)
    await sandbox.destroy()
    const frozen = await driver().freeze(child, `img_${randomUUID()}`)
    const later = await create({ image: frozen.id, upper: 'memory' })
    assert.equal(await shell(later, 'cat base own'), 'base\nown\n')
    const fromMemory = await fork(inMemory)
    await assert.rejects(driver().freeze(fromMemory, `img_${randomUUID()}`), { code: 'not_freezable' })
    assert.equal(await shell(fromMemory, 'cat base'), 'base\n')
    for (const one of [later, inMemory, fromMemory]) await one.destroy()
    await driver().drop(frozen.id)
  })
}
