import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { test } from 'node:test'
import { childrenOf, currentBoot, identify, isAlive } from '../../src/core/process-identity.ts'
import { scratchPlace } from '../support/scratch-place.ts'

test('this process is who it is, and alive', () => {
  const self = identify(process.pid)
  assert.ok(self !== null && isAlive(self))
  assert.equal(self.bootId, currentBoot())
  assert.deepEqual(identify(process.pid), self)
})

test('another start time or another boot is another process', () => {
  const self = identify(process.pid)
  assert.ok(self !== null)
  assert.ok(!isAlive({ ...self, startTime: '1' }))
  assert.ok(!isAlive({ ...self, bootId: 'earlier' }))
})

test('a pid that nobody has, and what is no pid, identify nobody', () => {
  for (const pid of [2 ** 22 + 1, Number.NaN, -1, 0.5]) assert.equal(identify(pid), null)
})

test('a process that has ended is dead, also while it waits for its parent to look', async () => {
  // The shell starts a child, says its pid and never waits for it.
  const parent = spawn('sh', ['-c', 'sh -c "read line" <&3 & echo $!; exec sleep 1000'], {
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
  })
  const [line] = (await once(parent.stdout as NodeJS.ReadableStream, 'data')) as [Buffer]
  const child = identify(Number(line.toString()))
  assert.ok(child !== null && isAlive(child))
  process.kill(child.pid, 'SIGKILL')
  while (isAlive(child)) await new Promise((resolve) => setImmediate(resolve))
  assert.equal(identify(child.pid), null)
  assert.ok(childrenOf(parent.pid ?? 0).includes(child.pid), 'it is a zombie, not gone')
  parent.kill('SIGKILL')
  await once(parent, 'exit')
})

test('a program whose name looks like the fields after it is still read right', async (t) => {
  const folder = mkdtempSync(`${scratchPlace}/forkyard-name-`)
  t.after(() => rmSync(folder, { recursive: true }))
  const program = `${folder}/a) Z 1 (b`
  copyFileSync('/bin/sleep', program)
  chmodSync(program, 0o755)
  const child = spawn(program, ['1000'], { stdio: 'ignore' })
  await once(child, 'spawn')
  const identity = identify(child.pid ?? 0)
  assert.ok(identity !== null && isAlive(identity))
  assert.ok(Number(identity.startTime) > 0)
  assert.ok(childrenOf(process.pid).includes(identity.pid))
  child.kill('SIGKILL')
  await once(child, 'exit')
  assert.ok(!isAlive(identity))
})
