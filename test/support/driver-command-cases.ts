import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { before, test } from 'node:test'
import { finish } from '../../src/core/exec.ts'
import type { Sandbox } from '../../src/sandbox/contract.ts'
import type { DriverCases } from './driver-cases.ts'
import { commandOf, run, shell } from './local-sandboxes.ts'

async function* chunked(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

/** How commands are started, fed and heard. */
export function commandCases({ create }: DriverCases): void {
  let sandbox: Sandbox
  before(async () => {
    sandbox = await create({ upper: 'memory' })
  })

  test('a program ends with its own exit code', async () => {
    for (const code of [0, 1, 42, 255]) {
      const exit = await run(sandbox, ['sh', '-c', `exit ${code}`])
      assert.deepEqual([exit.code, exit.signal], [code, null])
    }
  })

  test('a signal that ends a program shows as 128 + n and by name', async () => {
    for (const [name, number] of [
      ['SIGTERM', 15],
      ['SIGKILL', 9],
      ['SIGSEGV', 11],
    ] as const) {
      const exit = await run(sandbox, ['sh', '-c', `kill -${number} $$`])
      assert.deepEqual([exit.code, exit.signal], [128 + number, name])
    }
  })

  test('stdin, stdout and stderr carry bytes, whatever they are', async () => {
    const bytes = randomBytes(3_000_001)
    const out = await run(sandbox, ['cat'], { stdin: chunked(bytes, 70_000) })
    assert.ok(out.stdout.equals(bytes))
    const few = bytes.subarray(0, 5_000)
    const both = await run(sandbox, ['sh', '-c', 'tee /workspace/copy; cat /workspace/copy >&2'], {
      stdin: chunked(few, 1),
    })
    assert.ok(both.stdout.equals(few))
    assert.ok(both.stderr.equals(few))
  })

  test('a program without stdin reads its end at once', async () => {
    assert.equal((await run(sandbox, ['cat'])).code, 0)
  })

  test('a source is only asked for as much as the program reads', async () => {
    const total = 512
    let asked = 0
    async function* source(): AsyncGenerator<Uint8Array> {
      for (; asked < total; asked += 1) yield Buffer.alloc(64 * 1024)
    }
    const counted = await run(sandbox, ['wc', '-c'], { stdin: source() })
    assert.equal(Number(counted.stdout.toString()), total * 64 * 1024)

    asked = 0
    await shell(sandbox, 'mkfifo /tmp/go')
    const waiting = sandbox.exec(commandOf(['sh', '-c', 'read line </tmp/go'], { stdin: source() }))
    await shell(sandbox, 'echo go >/tmp/go')
    assert.equal((await finish(waiting)).code, 0)
    assert.ok(asked < total / 2, `${asked} chunks for a program that reads none`)
  })

  test('a source that breaks fails the command, and the program never takes it for the end', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('half')
      throw new Error('the source broke')
    }
    const command = ['sh', '-c', 'cat >/dev/null && touch /workspace/took-it-for-the-end']
    await assert.rejects(run(sandbox, command, { stdin: broken() }), /the source broke/)
    await shell(sandbox, 'test ! -e /workspace/took-it-for-the-end')
  })

  test('a program that ends does not wait for a source that is silent', async () => {
    async function* silent(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('a line\n')
      await new Promise(() => {})
    }
    const { code, stdout } = await run(sandbox, ['head', '-n1'], { stdin: silent() })
    assert.deepEqual([code, stdout.toString()], [0, 'a line\n'])
  })

  test('the environment is what was given, byte for byte', async () => {
    const env = { PATH: '/usr/bin', EMPTY: '', LINES: 'a\nb', EQUALS: 'a=b=c', UNICODE: 'ü€😀', 'odd-name.x': '--bind' }
    const { stdout } = await run(sandbox, ['env', '-0'], { env })
    const seen = stdout.toString().split('\0').filter(Boolean).toSorted()
    const expected = [...Object.entries(env), ['PWD', '/workspace']].map((entry) => entry.join('='))
    assert.deepEqual(seen, expected.toSorted())
  })

  test('variables that steer programs reach the program only, not what starts it', async () => {
    const steering = {
      PERL5OPT: '-Mnowhere',
      BASH_ENV: '/workspace/profile',
      ENV: '/workspace/profile',
      LD_PRELOAD: '/workspace/preload.so',
      GIT_DIR: '/nowhere',
      GIT_CONFIG_COUNT: 'x',
      NODE_OPTIONS: '--nowhere',
      http_proxy: 'http://nowhere',
    }
    await shell(sandbox, 'echo "echo steered >&2" >/workspace/profile')
    const env = { ...steering, PATH: '/usr/bin' }
    const { stdout, stderr } = await run(sandbox, ['printenv', ...Object.keys(steering)], { env })
    assert.deepEqual(stdout.toString().trim().split('\n'), Object.values(steering))
    // The loader complains once for each program that has the variable: there is one.
    assert.equal(stderr.toString().match(/cannot be preloaded/g)?.length, 1, stderr.toString())
    assert.doesNotMatch(stderr.toString(), /steered/)
  })

  test('a word that looks like an option is the name of a program', async () => {
    for (const argv of [['--version'], ['--bind', '/', '/', 'id'], ['-c', 'id'], ['--', 'id'], ['']]) {
      const { code, stdout, stderr } = await run(sandbox, argv)
      assert.notEqual(code, 0, String(argv))
      assert.equal(stdout.length, 0, String(argv))
      assert.match(stderr.toString(), /No such file|not found/)
    }
    await shell(sandbox, `printf '#!/bin/sh\\necho mine "$@"' >/workspace/--version; chmod +x /workspace/--version`)
    const mine = await run(sandbox, ['--version', '--help', '', '*', '$(id)', '\n'], { env: { PATH: '/workspace' } })
    assert.equal(mine.stdout.toString(), 'mine --help  * $(id) \n\n')
  })

  test('what cannot be a command is refused before anything starts', async () => {
    const bad = [
      commandOf([]),
      commandOf(['echo', 'a\0--bind\0/\0/']),
      commandOf(['true'], { cwd: '/workspace\0--bind' }),
      commandOf(['true'], { cwd: 'workspace' }),
      commandOf(['true'], { env: { A: 'x\0--bind\0/etc\0/workspace/etc' } }),
      commandOf(['true'], { env: { 'A\0--bind': 'x' } }),
      commandOf(['true'], { env: { 'A=B': 'x' } }),
      commandOf(['true'], { env: { '': 'x' } }),
      commandOf(['true', 'x'.repeat(3_000_000)]),
    ]
    for (const command of bad)
      await assert.rejects(async () => finish(sandbox.exec(command)), { code: 'input_invalid' })
  })

  test('a command starts in its directory, and in no other where that is missing', async () => {
    await shell(sandbox, 'mkdir -p /workspace/deep/er')
    assert.equal(await shell(sandbox, 'pwd', { cwd: '/workspace/deep/er' }), '/workspace/deep/er\n')
    const { code, stderr } = await run(sandbox, ['touch', '/workspace/ran'], { cwd: '/workspace/nowhere' })
    assert.notEqual(code, 0)
    assert.match(stderr.toString(), /nowhere/)
    await shell(sandbox, 'test ! -e /workspace/ran')
  })

  test('a program that does not exist says so', async () => {
    const { code, stderr } = await run(sandbox, ['no-such-program'])
    assert.notEqual(code, 0)
    assert.match(stderr.toString(), /no-such-program/)
  })

  test('commands of one sandbox run side by side, share files, and keep their output apart', async () => {
    const texts = await Promise.all(
      Array.from({ length: 8 }, (_, index) => shell(sandbox, `echo ${index} >/tmp/side-${index}; echo ${index}`)),
    )
    assert.deepEqual(texts, ['0\n', '1\n', '2\n', '3\n', '4\n', '5\n', '6\n', '7\n'])
    assert.equal(await shell(sandbox, 'cat /tmp/side-* | tr -d "\\n"'), '01234567')
  })

  test('two sandboxes share neither /tmp, /home, /dev/shm nor /workspace', async () => {
    const other = await create({ upper: 'memory' })
    const places = ['/tmp', '/home', '/dev/shm', '/workspace']
    for (const place of places) await shell(sandbox, `echo mine >${place}/of-one`)
    for (const place of places) await shell(other, `test ! -e ${place}/of-one`)
    await other.destroy()
  })

  test('every command is the same unprivileged user', async () => {
    assert.equal(await shell(sandbox, 'id -u; id -g'), '1000\n1000\n')
  })
}
