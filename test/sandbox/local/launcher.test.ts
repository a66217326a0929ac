import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { openSync, readFileSync } from 'node:fs'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import fc from 'fast-check'
import { finish } from '../../../src/core/exec.ts'
import { childrenOf } from '../../../src/core/process-identity.ts'
import { messageReader, packMessage } from '../../../src/sandbox/local/launcher-messages.ts'
import { commandOf, enterableFolder, openDriver, run, shell, specOf } from '../../support/local-sandboxes.ts'
import { tracesOf } from '../../support/traces.ts'

const signal = new AbortController().signal

const program = new URL('../../support/descriptor-process.ts', import.meta.url).pathname

/** What a service sees that was started with the root of the host open at some descriptors. */
async function startedWith(...descriptors: readonly number[]) {
  const stdio: ('ignore' | 'pipe' | 'inherit' | number)[] = ['ignore', 'pipe', 'inherit']
  const root = openSync('/', 'r')
  for (const descriptor of descriptors) {
    while (stdio.length < descriptor) stdio.push('ignore')
    stdio[descriptor] = root
  }
  // What fills the gaps, and what these tests themselves were started with, is closed on the way.
  const close = `use POSIX; my %kept = map { $_ => 1 } split /,/, shift; $kept{$_} or POSIX::close($_) for 3 .. 1023; exec { $ARGV[0] } @ARGV`
  const argv = ['-e', close, descriptors.join(','), process.execPath, program, enterableFolder()]
  const child = spawn('/usr/bin/perl', argv, { stdio })
  const text = (await buffer(child.stdout as NodeJS.ReadableStream)).toString()
  return JSON.parse(text) as { inside: string[]; again: string[]; reached: boolean }
}

test('a descriptor that the service was started with is in no sandbox, however high it is', async () => {
  for (const descriptors of [[], [3], [9], [10], [251], [4, 17, 300]]) {
    const { inside, again, reached } = await startedWith(...descriptors)
    // The directory that lists them is open while it is listed.
    assert.deepEqual(inside, ['0', '1', '2', '3'], `with ${descriptors.join()}`)
    assert.deepEqual(again, inside)
    assert.equal(reached, false)
  }
})

test('messages arrive whole, however they are cut and whatever they hold', () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.string({ unit: 'grapheme' }))), fc.nat({ max: 40 }), (messages, size) => {
      const bytes = Buffer.concat(messages.map(packMessage))
      const received: (readonly string[])[] = []
      const read = messageReader((fields) => received.push(fields))
      for (let at = 0; at < bytes.length; at += size + 1) read(bytes.subarray(at, at + size + 1))
      assert.deepEqual(received, messages)
    }),
  )
})

test('a launcher that is killed takes its sandboxes with it, and the next one is started by itself', async (t) => {
  const stateDir = `${enterableFolder()}/state`
  const driver = await openDriver(stateDir)
  t.after(() => driver.close())
  const sandbox = await driver.create(specOf({ upper: 'memory' }), { signal })
  const running = sandbox.exec(commandOf(['sh', '-c', 'echo up; sleep 100']))
  await running.stdout[Symbol.asyncIterator]().next()
  const pid = childrenOf(process.pid).find((child) =>
    readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('launcher'),
  )
  process.kill(pid ?? 0, 'SIGKILL')
  await assert.rejects(running.exit, { code: 'sandbox_lost' })
  await assert.rejects(async () => run(sandbox, ['true']), { code: 'sandbox_lost' })
  await sandbox.destroy()
  const next = await driver.create(specOf({ upper: 'memory' }), { signal })
  assert.equal(await shell(next, 'echo alive'), 'alive\n')
  await next.destroy()
  assert.deepEqual(tracesOf(stateDir), [])
})

test('output that nobody read while the program ran is still there after its end', async (t) => {
  const driver = await openDriver(`${enterableFolder()}/state`)
  t.after(() => driver.close())
  const sandbox = await driver.create(specOf({ upper: 'memory' }), { signal })
  const running = sandbox.exec(commandOf(['sh', '-c', 'echo out; echo err >/dev/stderr']))
  assert.equal((await running.exit).code, 0)
  await sandbox.destroy()
  const { stdout, stderr } = await finish(running)
  assert.deepEqual([stdout.toString(), stderr.toString()], ['out\n', 'err\n'])
})
