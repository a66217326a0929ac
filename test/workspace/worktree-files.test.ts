import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import type { ExactText } from '../../src/git/bytes.ts'
import type { Sandbox, SandboxDriver } from '../../src/sandbox/contract.ts'
import { localDriver } from '../../src/sandbox/local/driver.ts'
import { gitTemplate } from '../../src/workspace/template-files.ts'
import { shortFiles, type ShortFiles } from '../support/live-files.ts'
import { enterableFolder, settingsFor, shell, specOf } from '../support/local-sandboxes.ts'
import { oddBytes, oddNames } from '../support/rich-repository.ts'
import { tracesOf } from '../support/traces.ts'

const signal = new AbortController().signal
const stateDir = `${enterableFolder()}/state`
const hook = readFileSync(new URL('../../src/sandbox/local/fsmonitor-hook.pl', import.meta.url), 'utf8')
let driver: SandboxDriver
let sandbox: Sandbox
let files: ShortFiles

/** As the builder of an image leaves it: detached, and the index valid for the image to be. */
const golden = `
git init -q .
mkdir -p dir/sub
echo golden | tee file dir/file dir/sub/file >tool
chmod +x tool
ln -s dir/file link
git add . && git commit -q -m golden && git checkout -q --detach
FORKYARD_NEXT_TOKEN=img_golden git status --porcelain`

before(async () => {
  driver = await localDriver(settingsFor(stateDir), gitTemplate({ hook, tools: 'test' }))
  const builder = await driver.create(specOf(), { signal })
  assert.equal(await shell(builder, golden, { env: { PATH: '/usr/bin:/bin', HOME: '/home' } }), '')
  await driver.freeze(builder, 'img_golden')
  sandbox = await driver.create(specOf({ image: 'img_golden', upper: 'memory' }), { signal })
  files = shortFiles(sandbox)
})
after(async () => {
  await driver.close()
  assert.deepEqual(tracesOf(stateDir), [])
})

/** Type and permissions of a path, as the sandbox sees them. */
const modeOf = async (path: string) => (await shell(sandbox, `stat -c %a '${path}'`)).trim()

async function* chunks(...parts: readonly (string | Buffer)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part)
}

test('a file is written whole and read back, in directories that are made for it', async () => {
  assert.deepEqual(await files.write('new/a/b.txt', 'é\r\nlast'), { existed: false, bytes: 8 })
  assert.deepEqual(await files.read('new/a/b.txt'), {
    size: 8,
    isExecutable: false,
    offset: 0,
    length: 8,
    bytes: Buffer.from('é\r\nlast'),
  })
  assert.deepEqual(await files.write('new/a/b.txt', Buffer.from([0xff, 0])), { existed: true, bytes: 2 })
  assert.deepEqual((await files.read('new/a/b.txt')).bytes, Buffer.from([0xff, 0]))
  assert.deepEqual(await files.write('new/empty', ''), { existed: false, bytes: 0 })
  assert.deepEqual([await files.text('new/empty'), (await files.read('new/empty')).size], ['', 0])
  assert.deepEqual(await files.names('new'), ['a', 'empty'])
})

test('content of any length comes and goes in whatever pieces', async () => {
  const bytes = randomBytes(5_000_001)
  async function* source(): AsyncGenerator<Uint8Array> {
    yield Buffer.alloc(0)
    for (let at = 0, size = 1; at < bytes.length; at += size, size = Math.min(size * 7, 1_700_000))
      yield bytes.subarray(at, at + size)
    yield Buffer.alloc(0)
  }
  assert.deepEqual(await files.write('random', source()), { existed: false, bytes: bytes.length })
  assert.ok((await files.read('random')).bytes.equals(bytes))
  assert.deepEqual(await files.write('random', bytes.subarray(1)), { existed: true, bytes: bytes.length - 1 })
  assert.ok((await files.read('random')).bytes.equals(bytes.subarray(1)))
  assert.deepEqual(await files.write('random', chunks()), { existed: true, bytes: 0 })
  assert.equal((await files.read('random')).size, 0)
})

test('the mode of a file stays unless another is asked for, and follows who may read it', async () => {
  for (const [isExecutable, expected] of [
    [null, '644'],
    [true, '755'],
    [null, '755'],
    [false, '644'],
  ] as const) {
    await files.write('mode', 'x', isExecutable)
    assert.equal(await modeOf('mode'), expected)
    assert.equal((await files.read('mode')).isExecutable, expected === '755')
  }
  await files.write('born-executable', 'x', true)
  assert.equal(await modeOf('born-executable'), '755')
  for (const [before, isExecutable, expected] of [
    ['640', null, '640'],
    ['640', true, '750'],
    ['777', false, '666'],
    ['444', null, '444'],
    ['200', true, '200'],
  ] as const) {
    await shell(sandbox, `chmod ${before} mode`)
    assert.deepEqual(await files.write('mode', expected, isExecutable), { existed: true, bytes: 3 })
    assert.equal(await modeOf('mode'), expected)
  }
})

test('a part of a file is found from either end; beyond its end lies nothing', async () => {
  await files.write('digits', '0123456789')
  const part = async (offset: number, length: number | null) => {
    const { bytes, size, ...where } = await files.read('digits', offset, length)
    assert.deepEqual([size, where.length], [10, bytes.length])
    return [where.offset, bytes.toString()]
  }
  assert.deepEqual(await part(0, 4), [0, '0123'])
  assert.deepEqual(await part(4, null), [4, '456789'])
  assert.deepEqual(await part(8, 100), [8, '89'])
  assert.deepEqual(await part(-3, null), [7, '789'])
  assert.deepEqual(await part(-3, 1), [7, '7'])
  assert.deepEqual(await part(-100, 2), [0, '01'])
  assert.deepEqual(await part(3, 0), [3, ''])
  assert.deepEqual(await part(10, 1), [10, ''])
  assert.deepEqual(await part(Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER), [10, ''])
})

test('odd names are names like any other', async () => {
  const perlish = ['|cat', 'echo|', '>over', '<in', '-', '&=1', '0', '1', ' lead', 'trail ', '$(id)', '~']
  const long = 'ü'.repeat(127)
  const bytes = [Buffer.from([0xff, 0xfe]), oddBytes, Buffer.from('\xe9', 'latin1')]
  const names: ExactText[] = [...perlish, ...oddNames.filter((name) => !name.includes('/')), `${long}x`, '.gitignore']
  names.push(...bytes.map((name) => ({ base64: name.toString('base64') })))
  const inside = (name: ExactText): ExactText =>
    typeof name === 'string'
      ? `odd/${name}/${name}`
      : { base64: Buffer.concat([Buffer.from('odd/'), Buffer.from(name.base64, 'base64')]).toString('base64') }
  for (const name of names) assert.deepEqual(await files.write(inside(name), 'odd'), { existed: false, bytes: 3 })
  for (const name of names) assert.equal(await files.text(inside(name)), 'odd')
  const raw = (name: ExactText) => (typeof name === 'string' ? Buffer.from(name) : Buffer.from(name.base64, 'base64'))
  assert.deepEqual(
    await files.names('odd'),
    names.toSorted((a, b) => Buffer.compare(raw(a), raw(b))),
  )
  const seen = await shell(sandbox, `find odd -mindepth 1 -maxdepth 1 -printf '%f\\0' | sort -z | od -An -v -tx1`)
  const listed = names.map(raw).toSorted((a, b) => Buffer.compare(a, b))
  const expected = Buffer.concat(listed.flatMap((name) => [name, Buffer.of(0)])).toString('hex')
  assert.equal(seen.replaceAll(/\s/g, ''), expected)
  for (const name of names) await files.remove(inside(name))
  assert.deepEqual(await files.remove('odd', true), { kind: 'directory' })
})

test('paths may be as long as paths can be', async () => {
  const deep = `${'d/'.repeat(200)}end`
  const deepest = `${'e/'.repeat(2047)}ed`
  for (const path of [deep, deepest]) {
    await files.write(path, path)
    assert.equal(await files.text(path), path)
    assert.deepEqual(await files.names(path.slice(0, path.lastIndexOf('/'))), [path.slice(path.lastIndexOf('/') + 1)])
    assert.deepEqual(await files.remove(path.slice(0, 1), true), { kind: 'directory' })
    await assert.rejects(files.read(path), { code: 'path_not_found' })
  }
})

test('a directory is listed by the order of bytes, with what every entry is', async () => {
  await shell(
    sandbox,
    `mkdir -p all/sub/.git; cd all; printf abc >b; printf 12 >a; chmod 700 a; ln -s ../nowhere B; mkfifo f`,
  )
  await shell(sandbox, `perl -MSocket -e 'socket S, AF_UNIX, SOCK_STREAM, 0; bind S, sockaddr_un "all/s" or die'`)
  const { entries, truncated } = await files.list('all')
  assert.deepEqual(entries, [
    { name: 'B', kind: 'symlink', size: 10, target: '../nowhere' },
    { name: 'a', kind: 'executable', size: 2, target: null },
    { name: 'b', kind: 'file', size: 3, target: null },
    { name: 'f', kind: 'other', size: null, target: null },
    { name: 's', kind: 'other', size: null, target: null },
    { name: 'sub', kind: 'directory', size: null, target: null },
  ])
  assert.equal(truncated, false)
  assert.deepEqual(await files.list('all/', 2), { entries: entries.slice(0, 2), truncated: true })
  assert.deepEqual(await files.list('all', 6), { entries, truncated: false })
  assert.deepEqual(await files.names('all/sub'), ['.git'])
  const top = await files.names()
  assert.ok(top.includes('all') && top.includes('link') && !top.includes('.git'))
  await shell(sandbox, 'mkdir empty; rm -r all')
  assert.deepEqual(await files.list('empty'), { entries: [], truncated: false })
})

test('whatever bears a name is removed, and a directory only with what is in it if that is said', async () => {
  await shell(
    sandbox,
    'mkdir -p rm/sub rm/empty; cd rm; echo x >sub/file; echo x >plain; ln -s sub to-sub; mkfifo pipe',
  )
  await shell(sandbox, 'touch rm/tool; chmod +x rm/tool; chmod 0 rm/plain')
  assert.deepEqual(await files.remove('rm/plain'), { kind: 'file' })
  assert.deepEqual(await files.remove('rm/tool'), { kind: 'executable' })
  assert.deepEqual(await files.remove('rm/pipe'), { kind: 'other' })
  assert.deepEqual(await files.remove('rm/to-sub', true), { kind: 'symlink' })
  assert.deepEqual(await files.remove('rm/empty'), { kind: 'directory' })
  await assert.rejects(files.remove('rm/sub'), { code: 'path_blocked', message: /not empty/ })
  assert.equal(await files.text('rm/sub/file'), 'x\n')
  assert.deepEqual(await files.remove('rm/sub', true), { kind: 'directory' })
  assert.deepEqual(await files.names('rm'), [])
})

test('what is not there is not found, and paths that lead elsewhere are refused before anything is asked', async () => {
  const { read, write, list, remove } = files
  for (const path of ['no', 'dir/no/x'])
    for (const ask of [read, list, remove]) await assert.rejects(ask(path), { code: 'path_not_found' })
  await assert.rejects(read('dir/no/x'), { details: { path: 'dir/no/x', at: 'dir/no' } })
  for (const path of ['../x', '/etc/passwd', 'a/../b', '.git/config', 'dir/.GIT/hooks', 'a\0b', '', 'x'.repeat(256)])
    for (const ask of [() => read(path), () => write(path, ''), () => list(path), () => remove(path, true)])
      await assert.rejects(ask(), { code: 'path_invalid' })
  for (const ask of [() => read('dir/'), () => write('dir/', '')]) await assert.rejects(ask(), { code: 'path_invalid' })
})

test('git sees what was written and removed, with the hook that says where to look and without', async () => {
  const fork = await driver.create(specOf({ image: 'img_golden', upper: 'memory' }), { signal })
  const { write, remove } = shortFiles(fork)
  const status = async (flags: string) =>
    (await shell(fork, `git ${flags} status --porcelain --untracked-files=all`, { env: { PATH: '/usr/bin:/bin' } }))
      .trimEnd()
      .split('\n')
  assert.deepEqual(await status(''), [''])
  await write('dir/file', 'silver')
  await write('dir/sub/new/deep', 'new')
  await write('file', 'golden\n', true)
  await remove('link')
  await remove('dir/sub/file')
  await write('tool', 'golden\n')
  const expected = [' M dir/file', ' D dir/sub/file', ' M file', ' D link', '?? dir/sub/new/deep']
  assert.deepEqual(await status('-c core.fsmonitor=false -c core.untrackedCache=false'), expected)
  assert.deepEqual(await status(''), expected)
  await remove('dir', true)
  const removed = [' D dir/file', ' D dir/sub/file', ' M file', ' D link']
  assert.deepEqual([await status('-c core.fsmonitor=false'), await status('')], [removed, removed])
})
