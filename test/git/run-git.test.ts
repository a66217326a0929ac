import assert from 'node:assert/strict'
import test from 'node:test'
import { hasCode } from '../../src/core/errors.ts'
import type { Command } from '../../src/core/exec.ts'
import { makeRepository } from '../support/repository.ts'
import { gitAt, scratchDir } from '../support/operation-run.ts'

const signal = new AbortController().signal

test('git sees an environment built from nothing, and configuration for one run', async (t) => {
  const dir = await scratchDir(t)
  await makeRepository(dir)
  const commands: Command[] = []
  const git = gitAt(dir, { onCommand: (command) => commands.push(command) })
  const result = await git('rev-parse', { flags: ['--git-dir'], config: { 'x.y': 'value' }, signal })
  assert.equal(result.text, '.git\n')
  const { env = {}, argv, cwd } = commands[0] ?? {}
  assert.deepEqual(argv, ['git', 'rev-parse', '--git-dir'])
  assert.equal(cwd, '/workspace')
  const fixed = {
    TZ: 'UTC',
    LC_ALL: 'C',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
    GIT_NO_LAZY_FETCH: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_GRAFT_FILE: '/nonexistent/grafts',
    GIT_LITERAL_PATHSPECS: '1',
    GIT_PAGER: 'cat',
    GIT_TRACE2_PARENT_SID: 'test',
  }
  assert.deepEqual({ ...env, ...fixed }, env)
  const index = Number(env['GIT_CONFIG_COUNT']) - 1
  assert.deepEqual([env[`GIT_CONFIG_KEY_${index}`], env[`GIT_CONFIG_VALUE_${index}`]], ['x.y', 'value'])
  // The fsmonitor hook of the image must stay in force.
  assert.ok(!Object.values(env).includes('core.fsmonitor'))
})

test('exit codes that are answers are values, others are failures', async (t) => {
  const dir = await scratchDir(t)
  const repository = await makeRepository(dir)
  const one = await repository.commit({ branch: 'one' })
  const two = await repository.commit({ branch: 'two' })
  const git = gitAt(dir)
  const request = { revisions: [one, two], signal }
  assert.equal((await git('merge-base', { ...request, okExitCodes: [0, 1] })).exitCode, 1)
  await assert.rejects(git('merge-base', request), (error) => hasCode(error, 'git_failed'))
})

test('stdin reaches git', async (t) => {
  const dir = await scratchDir(t)
  const id = await (await makeRepository(dir)).commit()
  const { text } = await gitAt(dir)('cat-file', { flags: ['--batch-check=%(objecttype)'], stdin: `${id}\n`, signal })
  assert.equal(text, 'commit\n')
})

test('a consumer that stops early ends git', async (t) => {
  const dir = await scratchDir(t)
  const id = await (await makeRepository(dir)).commit({ files: { big: Buffer.alloc(32 * 1024 * 1024, 'x') } })
  const git = gitAt(dir)
  const blob = (await git('ls-tree', { revisions: [id], signal })).text.split(/\s/)[2] ?? ''
  let bytes = 0
  for await (const chunk of git.stream('cat-file', { flags: ['-p'], revisions: [blob], signal }).records) {
    bytes += chunk.length
    break
  }
  assert.ok(bytes > 0 && bytes < 32 * 1024 * 1024)
  const head = await git.read('cat-file', { flags: ['-p'], revisions: [blob], signal }, (reader) => reader.take(3))
  assert.equal(head.toString(), 'xxx')
})

test('a failure after some output is told to whoever reads to the end', async (t) => {
  const dir = await scratchDir(t)
  await makeRepository(dir)
  const missing = 'b'.repeat(40)
  const stream = gitAt(dir).stream('log', { revisions: [missing], signal })
  const read = async () => {
    for await (const chunk of stream.records) assert.equal(chunk.length, 0)
  }
  await assert.rejects(read(), (error) => hasCode(error, 'commit_not_found'))
})

test('output limits, deadlines and cancellation keep their codes', async (t) => {
  const dir = await scratchDir(t)
  const id = await (await makeRepository(dir)).commit({ files: { big: Buffer.alloc(1024 * 1024, 'x\n') } })
  const git = gitAt(dir)
  const flags = ['--root', '-p']
  await assert.rejects(git('diff-tree', { flags, revisions: [id], maxOutputBytes: 1000, signal }), (error) =>
    hasCode(error, 'output_limit'),
  )
  const aborted = AbortSignal.abort()
  await assert.rejects(git('diff-tree', { flags, revisions: [id], signal: aborted }), (error) =>
    hasCode(error, 'canceled'),
  )
  // Git waits for input that never comes.
  const never = (async function* () {
    await new Promise((resolve) => setTimeout(resolve, 10_000).unref())
    yield Buffer.alloc(0)
  })()
  const slow = gitAt(dir, { deadlineMs: 50 })('cat-file', { flags: ['--batch'], stdin: never, signal })
  await assert.rejects(slow, (error) => hasCode(error, 'deadline_exceeded'))
})
