import assert from 'node:assert/strict'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { AppError } from '../../src/core/errors.ts'
import { finish } from '../../src/core/exec.ts'
import type { EngineCases } from './engine-cases.ts'

/** Programs of a caller in a workspace. */
export function programCases({ engine, open }: EngineCases): void {
  test('programs get their input, a directory and variables, and both streams are bytes', async () => {
    const workspace = await open()
    async function* input(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('from ')
      yield Buffer.from([0xff, 0x00])
    }
    const argv = ['sh', '-c', `pwd; echo "$WORD"; cat; printf '\\377\\n' >&2`]
    const { running, receipt } = await workspace.exec({ argv, cwd: 'src', env: { WORD: 'said' } }, { stdin: input() })
    const { code, signal, stdout, stderr } = await finish(running)
    assert.deepEqual([code, signal], [0, null])
    assert.deepEqual(stdout, Buffer.from('/workspace/src\nsaid\nfrom \u00ff\u0000', 'latin1'))
    assert.deepEqual([...stderr], [0xff, 0x0a])
    assert.equal((await receipt).tier, 'workspace')
    await workspace.close()
  })

  test('output comes while a program runs, and in whole however slowly it is read', async () => {
    const workspace = await open()
    const argv = ['sh', '-c', 'echo up; while [ ! -e go ]; do sleep 0.01; done; yes forkyard | head -c 3000000; exit 4']
    const { running } = await workspace.exec({ argv })
    const chunks = running.stdout[Symbol.asyncIterator]()
    assert.equal(Buffer.from((await chunks.next()).value ?? []).toString(), 'up\n')
    assert.deepEqual(
      (await engine().workspaces()).map(({ programs }) => programs),
      [1],
    )
    await workspace.run('write-file', { path: 'go', content: '' })
    const rest = await buffer({ [Symbol.asyncIterator]: () => chunks })
    assert.deepEqual([rest.length, (await buffer(running.stderr)).length], [3_000_000, 0])
    assert.equal((await running.exit).code, 4)
    await workspace.close()
  })

  test('what ends a program other than itself is an error, after all that it has said', async () => {
    const workspace = await open()
    await assert.rejects(workspace.exec({ argv: ['true'], env: { 'a=b': 'c' } }), { code: 'input_invalid' })
    await assert.rejects(workspace.exec({ argv: [] }), { code: 'input_invalid' })
    for (const [code, input] of [
      ['deadline_exceeded', { argv: ['sh', '-c', 'echo up; sleep 100'], deadlineMs: 2000 }],
      ['output_limit', { argv: ['sh', '-c', 'echo up; yes'], maxOutputBytes: 1000 }],
    ] as const) {
      const { running, receipt } = await workspace.exec(input)
      let said = ''
      const reading = (async () => {
        for await (const chunk of running.stdout) said += Buffer.from(chunk).toString()
      })()
      await Promise.allSettled([reading])
      assert.match(said, /^up\n/)
      await assert.rejects(running.exit, { code })
      await assert.rejects(receipt, { code })
    }
    await workspace.close()
  })

  test('a caller that gives up ends its program, and learns why where it waits', async () => {
    const workspace = await open()
    const leaving = new AbortController()
    const { running, receipt } = await workspace.exec(
      { argv: ['sh', '-c', 'echo up; yes >&2'] },
      { signal: leaving.signal },
    )
    const chunks = running.stdout[Symbol.asyncIterator]()
    await chunks.next()
    const reason = new AppError('canceled', 'Cannot go on: enough')
    leaving.abort(reason)
    await assert.rejects(running.exit, reason)
    await assert.rejects(receipt, reason)
    const programs = async (): Promise<number | undefined> => (await engine().workspaces())[0]?.programs
    while ((await programs()) !== 0) await new Promise((resolve) => setImmediate(resolve))
    await workspace.close()
  })

  test('a reader that has seen enough does not keep a program from its end', async () => {
    const workspace = await open()
    const { running } = await workspace.exec({ argv: ['sh', '-c', 'echo one; while [ ! -e go ]; do sleep 0.01; done'] })
    for await (const _ of running.stdout) break
    await workspace.run('write-file', { path: 'go', content: '' })
    assert.equal((await running.exit).code, 0)
    await workspace.close()
  })

  test('closing ends what runs in a workspace, and who waits for it learns why', async () => {
    const workspace = await open()
    const { running, receipt } = await workspace.exec({ argv: ['sh', '-c', 'echo up; sleep 100'] })
    await running.stdout[Symbol.asyncIterator]().next()
    await workspace.close()
    await assert.rejects(running.exit, { code: 'workspace_not_found' })
    await assert.rejects(receipt, { code: 'workspace_not_found' })
  })
}
