import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { openSync } from 'node:fs'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { enterableFolder } from '../../support/local-sandboxes.ts'

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
  return JSON.parse(text) as { leaks: boolean; inside: string[]; again: string[]; reached: boolean }
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

test('the way that costs more is taken only where a descriptor would be inherited', async () => {
  assert.equal((await startedWith()).leaks, false)
  assert.equal((await startedWith(251)).leaks, true)
})
