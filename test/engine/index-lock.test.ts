import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { Execution, Workspace } from '../../src/engine/contract.ts'
import { makeGround } from '../support/engine-repository.ts'
import { shell } from '../support/in-workspace.ts'
import { leftovers } from '../support/leftovers.ts'

const ground = makeGround((source) => source.commit({ files: { 'README.md': '# Ground\n' } }))

after(() => assert.deepEqual(leftovers(ground.home), []))

const locks = (workspace: Workspace): Promise<string> => shell(workspace, 'find .git -name "*.lock" | sort')

/** Starts a shell script that says a word once it is where a test needs it. */
async function begin(workspace: Workspace, script: string): Promise<Execution> {
  const execution = await workspace.exec({ argv: ['sh', '-c', script] })
  await execution.running.stdout[Symbol.asyncIterator]().next()
  return execution
}

async function end({ running, receipt }: Execution): Promise<void> {
  running.signal('SIGKILL')
  await receipt
}

/** A workspace where `add` of a file called slow takes the index and does not come to an end. */
async function withSlowAdd(): Promise<Workspace> {
  const workspace = await ground.open()
  const attributes = 'echo "slow filter=slow" >.git/info/attributes'
  await shell(workspace, `${attributes}; git config filter.slow.clean "sleep 100"; echo >slow; echo >quick`)
  return workspace
}

const untilLocked = 'until [ -e .git/index.lock ]; do :; done; echo locked; sleep 100'

test('locks that nobody holds are taken away, whichever they are', async () => {
  const workspace = await ground.open({ history: 'full' })
  await shell(workspace, 'git branch old')
  const names = [
    'index',
    'HEAD',
    'packed-refs',
    'config',
    'shallow',
    'refs/heads/main',
    'refs/heads/old',
    'refs/tags/v1',
  ]
  const leave = `mkdir -p .git/refs/tags; for name in ${names.join(' ')}; do : >.git/$name.lock; done`
  for (const [name, input] of [
    ['add', {}],
    ['commit', { message: 'More', allowEmpty: true }],
    ['tag', { name: 'v1' }],
    ['branch-delete', { name: 'old' }],
    ['checkout', { ref: 'v1' }],
  ] as const) {
    await shell(workspace, leave)
    await workspace.run(name, input)
    assert.equal(await locks(workspace), '', name)
  }
  await workspace.close()
})

test('an operation that is given up takes its locks away, also while a program runs', async () => {
  const workspace = await withSlowAdd()
  for (const giveUp of ['abort', 'deadline'] as const) {
    const watching = begin(workspace, untilLocked)
    const caller = new AbortController()
    const options = giveUp === 'abort' ? { signal: caller.signal } : {}
    const adding = workspace.run('add', giveUp === 'abort' ? {} : { deadlineMs: 1000 }, options)
    const refused = assert.rejects(adding, { code: giveUp === 'abort' ? 'canceled' : 'deadline_exceeded' })
    const program = await watching
    caller.abort()
    await refused
    const { value } = await workspace.run('add', { paths: ['quick'] })
    assert.ok(value)
    await end(program)
    assert.equal(await locks(workspace), '')
    await workspace.run('reset', {})
  }
  await workspace.close()
})

test('a lock that a program holds stays when an operation that waits for it is given up', async () => {
  const workspace = await ground.open()
  const program = await begin(workspace, ': >.git/index.lock; echo held; sleep 100')
  await assert.rejects(workspace.run('reset', { deadlineMs: 300 }), { code: 'deadline_exceeded' })
  assert.equal(await locks(workspace), '.git/index.lock\n')
  await end(program)
  await workspace.run('reset', {})
  assert.equal(await locks(workspace), '')
  await workspace.close()
})

test('what is ended by force leaves no lock to the programs that come later', async () => {
  const workspace = await withSlowAdd()
  // A git that stands still hears nothing.
  await shell(workspace, "git config filter.slow.clean 'kill -STOP $PPID; sleep 100'")
  await assert.rejects(workspace.run('add', { deadlineMs: 300 }), { code: 'deadline_exceeded' })
  const program = await begin(workspace, 'echo up; sleep 100')
  await workspace.run('add', { paths: ['quick'] })
  await end(program)
  await workspace.close()
})
