import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { AppError, hasCode } from '../../src/core/errors.ts'
import type { Sandbox, SandboxDriver } from '../../src/sandbox/contract.ts'
import { shortFiles, withoutNamelessFiles, type ShortFiles } from '../support/live-files.ts'
import { commandOf, enterableFolder, openDriver, shell, specOf } from '../support/local-sandboxes.ts'
import { tracesOf } from '../support/traces.ts'

const signal = new AbortController().signal
const stateDir = `${enterableFolder()}/state`
let driver: SandboxDriver
let sandbox: Sandbox
let files: ShortFiles

before(async () => {
  driver = await openDriver(stateDir)
  const builder = await driver.create(specOf(), { signal })
  await shell(builder, 'mkdir -p .git/hooks dir/sub outside; echo golden | tee dir/file dir/sub/file >outside/file')
  await driver.freeze(builder, 'img_golden')
})
beforeEach(async () => {
  sandbox = await driver.create(specOf({ image: 'img_golden', upper: 'memory' }), { signal })
  files = shortFiles(sandbox)
})
afterEach(() => sandbox.destroy())
after(async () => {
  await driver.close()
  assert.deepEqual(tracesOf(stateDir), [])
})

/** Everything of the sandbox that no file of a test may touch: names, kinds, modes, contents. */
const watched = () =>
  shell(
    sandbox,
    'find outside .git /tmp /home -printf "%p %y %m %s %l\\n" | sort; find outside .git -type f -exec cat {} +',
  )

const blocked = (at: string | null) => (error: unknown) => {
  assert.ok(hasCode(error, 'path_blocked'), String(error))
  assert.deepEqual(error.details['at'], at)
  return true
}

test('no link is followed, wherever on the path it is and wherever it leads', async () => {
  await shell(sandbox, 'ln -s loop2 loop1; ln -s loop1 loop2; ln -s dir/file to-file; ln -s nowhere dangling')
  await shell(sandbox, 'ln -s /etc/passwd passwd; ln -s /workspace/outside absolute; ln -s ../outside dir/relative')
  await shell(sandbox, 'ln -s .git/hooks hooks; ln -s /proc/self/cwd dir/magic; ln -s . dir/here; ln -s /tmp tmp')
  const before = await watched()
  const links = ['loop1', 'to-file', 'dangling', 'passwd', 'absolute', 'dir/relative', 'hooks', 'dir/magic', 'tmp']
  for (const link of [...links, 'dir/here'])
    for (const path of [link, `${link}/x`, `${link}/sub/file`]) {
      await assert.rejects(files.read(path), blocked(link), path)
      await assert.rejects(files.write(path, 'owned'), blocked(link), path)
      await assert.rejects(files.list(path), blocked(link), path)
      if (path !== link) await assert.rejects(files.remove(path, true), blocked(link), path)
    }
  assert.equal(await watched(), before)
  for (const link of links) assert.deepEqual(await files.remove(link, true), { kind: 'symlink' })
  assert.equal(await watched(), before)
})

test('files and directories are not taken for one another', async () => {
  await assert.rejects(files.read('dir'), blocked('dir'))
  await assert.rejects(files.write('dir', 'x'), blocked('dir'))
  await assert.rejects(files.read('dir/file/x'), blocked('dir/file'))
  await assert.rejects(files.write('dir/file/x/y', 'x'), blocked('dir/file'))
  await assert.rejects(files.remove('dir/file/x'), blocked('dir/file'))
  await assert.rejects(files.list('dir/file'), blocked('dir/file'))
  assert.equal(await files.text('dir/file'), 'golden\n')
})

test('FIFOs, sockets and devices hold nobody up, and nobody at their other end notices', async () => {
  await shell(
    sandbox,
    `mkfifo pipe; perl -MSocket -e 'socket S, AF_UNIX, SOCK_STREAM, 0; bind S, sockaddr_un "socket" or die'`,
  )
  const writer = sandbox.exec(commandOf(['sh', '-c', 'echo up; echo x >pipe']))
  await writer.stdout[Symbol.asyncIterator]().next()
  await assert.rejects(files.read('pipe'), blocked('pipe'))
  for (const name of ['pipe', 'socket']) {
    await assert.rejects(files.read(name), blocked(name))
    await assert.rejects(files.write(name, 'x'), blocked(name))
    await assert.rejects(files.list(name), blocked(name))
    await assert.rejects(files.write(`${name}/x`, 'x'), blocked(name))
  }
  assert.equal(await shell(sandbox, 'cat pipe'), 'x\n')
  assert.equal((await writer.exit).code, 0)
})

test('who holds a lease on a file delays nobody', async () => {
  const lease = `open F, "+<", "lent"; fcntl F, 1024, 1 or die; $SIG{IO} = "IGNORE"; syswrite STDOUT, "held"; sleep 100`
  await files.write('lent', 'mine')
  const keeper = sandbox.exec(commandOf(['perl', '-e', lease]))
  keeper.exit.catch(() => {})
  const lines = keeper.stdout[Symbol.asyncIterator]()
  assert.equal(Buffer.from((await lines.next()).value).toString(), 'held')
  await assert.rejects(files.read('lent'), blocked('lent'))
  assert.deepEqual(await files.write('lent', 'theirs'), { existed: true, bytes: 6 })
  assert.equal(await files.text('lent'), 'theirs')
})

test('what a mode does not allow is refused at the place that has it', async () => {
  await shell(sandbox, 'mkdir closed locked; echo x >closed/file; echo x >locked/file; echo x >secret')
  await shell(sandbox, 'chmod 555 closed; chmod 0 locked secret')
  await assert.rejects(files.write('closed/new', 'x'), blocked('closed'))
  await assert.rejects(files.write('closed/file', 'x'), blocked('closed'))
  await assert.rejects(files.write('closed/deep/new', 'x'), blocked('closed'))
  await assert.rejects(files.remove('closed/file'), blocked('closed/file'))
  await assert.rejects(files.remove('closed', true), blocked('closed'))
  await assert.rejects(files.read('locked/file'), blocked('locked'))
  await assert.rejects(files.list('locked'), blocked('locked'))
  await assert.rejects(files.read('secret'), blocked('secret'))
  assert.equal(await files.text('closed/file'), 'x\n')
  assert.deepEqual(await files.write('secret', 'known'), { existed: true, bytes: 5 })
  await shell(sandbox, 'chmod 600 secret; chmod 311 locked; chmod 555 .')
  assert.equal(await files.text('secret'), 'known')
  assert.equal(await files.text('locked/file'), 'x\n')
  await assert.rejects(files.write('new', 'x'), blocked(null))
  assert.deepEqual(await files.write('locked/new', 'x'), { existed: false, bytes: 1 })
  await shell(sandbox, 'chmod 0 /workspace', { cwd: '/' })
  for (const ask of [() => files.read('secret'), () => files.list()]) await assert.rejects(ask(), blocked(null))
})

/** Runs `turn` again and again beside a perl program that does its worst in a loop until it is ended. */
async function besides(worst: string, turns: number, turn: () => readonly Promise<unknown>[]): Promise<Set<string>> {
  const ending = new AbortController()
  const loop = sandbox.exec(
    commandOf(['perl', '-e', `$| = 1; print "up"; while (1) { ${worst} }`], {
      signal: ending.signal,
      deadlineMs: 60_000,
    }),
  )
  await loop.stdout[Symbol.asyncIterator]().next()
  const outcomes = new Set<string>()
  try {
    for (let at = 0; at < turns; at += 1)
      for (const ask of await Promise.allSettled(turn()))
        outcomes.add(
          ask.status === 'fulfilled' ? 'done' : ask.reason instanceof AppError ? ask.reason.code : `${ask.reason}`,
        )
  } finally {
    ending.abort()
    await assert.rejects(loop.exit, { code: 'canceled' })
  }
  return outcomes
}

/** Exchanges a directory and a link in one step (renameat2), so that nothing is ever missing. */
const swap = `($d, $l) = ("dir", "link"); syscall(${process.arch === 'arm64' ? 276 : 316}, -100, $d, -100, $l, 2) and die "$!"`

test('who looks first and then writes by a path is led astray by a program that swaps what it saw', async () => {
  await shell(sandbox, 'rm -r dir; mkdir dir; ln -s outside link')
  const naive = 'until [ -e outside/x ]; do [ -L dir ] || ( echo owned >dir/x ) 2>/dev/null; done'
  await besides(swap, 1, () => [shell(sandbox, naive)])
  assert.equal(await shell(sandbox, 'cat outside/x'), 'owned\n')
})

for (const [kernel, on] of [
  ['', (sandbox: Sandbox) => sandbox],
  [', without nameless files', withoutNamelessFiles],
] as const) {
  test(`while a program swaps a directory for a link, nothing outside is written, read, listed or removed${kernel}`, async () => {
    const files = shortFiles(on(sandbox))
    await shell(sandbox, 'rm -r dir; mkdir dir; ln -s outside link; echo inside | tee dir/file dir/gone >/dev/null')
    await shell(
      sandbox,
      'cp -p outside/file outside/gone; touch outside/theirs; rmdir .git/hooks; ln -s ../outside .git/hooks',
    )
    const before = await watched()
    const outcomes = await besides(swap, 20, () => [
      files.write('dir/new', 'owned'),
      files.write('dir/new', 'owned', true),
      files.write('dir/file', 'inside\n'),
      files.write(`dir/sub/${Math.random()}`, 'owned'),
      files.write(`dir/${Math.random()}/file`, 'owned'),
      files.text('dir/file').then((text) => assert.equal(text, 'inside\n')),
      files.names('dir').then((names) => assert.ok(!names.includes('theirs'))),
      files.remove('dir/gone', true),
    ])
    assert.equal(await watched(), before)
    assert.deepEqual([...outcomes].toSorted(), ['done', 'path_blocked', 'path_not_found'])
  })

  test(`a name that a program makes everything it can be gets whole files or none${kernel}`, async () => {
    const files = shortFiles(on(sandbox))
    const turnAbout = `
    mkdir "way"; open F, ">", "way/other"; print F "theirs"; close F; rename "way/other", "way/name"; unlink "way/name";
    mkdir "way/name"; rmdir "way/name"; symlink "../outside/file", "way/name"; unlink "way/name"; rmdir "way"`
    const before = await watched()
    const outcomes = await besides(turnAbout, 20, () => [
      files.write('way/name', 'ours'),
      files.write('way/name', 'ours', true),
      files.text('way/name').then((text) => assert.match(text, /^(?:theirs|ours)$/)),
      files.remove('way/name'),
    ])
    const known = ['done', 'path_blocked', 'path_not_found']
    assert.deepEqual(
      [...outcomes].filter((outcome) => !known.includes(outcome)),
      [],
    )
    assert.ok(outcomes.has('done'))
    assert.equal(await watched(), before)
    assert.doesNotMatch(await shell(sandbox, 'find . -name ".forkyard*"'), /./)
  })
}

test('a file that is cut while it is read fails the reading, one that is replaced is read as it was', async () => {
  const old = Buffer.alloc(4_000_000, 'o')
  await files.write('cut', old)
  await files.write('replaced', old)
  const readWhile = (path: string, change: () => Promise<unknown>) =>
    files.files.read(path, { offset: 0, length: null, signal }, async ({ content }) => {
      const parts: Uint8Array[] = []
      for await (const part of content) if (parts.push(part) === 1) await change()
      return Buffer.concat(parts)
    })
  await assert.rejects(
    readWhile('cut', () => shell(sandbox, ': >cut')),
    { code: 'sandbox_failed' },
  )
  assert.ok((await readWhile('replaced', () => files.write('replaced', 'new'))).equals(old))
  assert.equal(await files.text('replaced'), 'new')
})
