import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, afterEach, test } from 'node:test'
import { hasCode } from '../../src/core/errors.ts'
import { makeGround } from '../support/engine-repository.ts'
import { shell } from '../support/in-workspace.ts'
import { leftovers } from '../support/leftovers.ts'

const ground = makeGround(async (source) => {
  for (let step = 0; step < 30; step++)
    await source.commit({ files: { 'a.txt': `${step}\n`, big: randomBytes(100_000) } })
})
afterEach(() => {
  ground.server.fault = null
})
after(() => assert.deepEqual(leftovers(ground.home), []))

const look = 'git fsck 2>&1; git log --format=%s; git status --porcelain; cat .git/shallow | wc -l; ls .git'

/** A workspace of one generation, with a commit of its own. */
async function worked() {
  const workspace = await ground.open()
  await workspace.run('write-file', { path: 'mine.txt', content: 'mine\n' })
  await workspace.run('add', {})
  await workspace.run('commit', { message: 'Mine' })
  return workspace
}

test('an upgrade that breaks off leaves the workspace as it was, and the next one succeeds', async () => {
  const workspace = await worked()
  const before = await shell(workspace, look)
  ground.server.fault = { kind: 'cut-pack', afterBytes: 200_000 }
  await assert.rejects(workspace.extend({ history: 'full' }), { code: 'remote_failed' })
  assert.equal(await shell(workspace, look), before)
  ground.server.fault = null
  const leaving = new AbortController()
  const given = workspace.extend({ history: 'full' }, { signal: leaving.signal, onProgress: () => leaving.abort() })
  await assert.rejects(given, { code: 'canceled' })
  assert.equal(await shell(workspace, look), before)
  const { value } = await workspace.run('log', { limit: 100 })
  assert.equal((value as { commits: unknown[] }).commits.length, 31)
  assert.equal(
    await shell(
      workspace,
      'git fsck; git rev-list --count HEAD; git status --porcelain; ls .git | grep shallow || true',
    ),
    '31\n',
  )
  await workspace.close()
})

test('while history is brought, whoever reads finds it as it was or as it will be', async () => {
  const workspace = await worked()
  const over = new AbortController()
  const extending = workspace.extend({ history: 'full' }).finally(() => over.abort())
  const counts = new Set<string>()
  do counts.add(await shell(workspace, 'git rev-list --count HEAD'))
  while (!over.signal.aborted)
  await extending
  counts.add(await shell(workspace, 'git rev-list --count HEAD'))
  assert.deepEqual([...counts].toSorted(), ['2\n', '31\n'])
  await workspace.close()
})

test('a workspace that says without end where its history ends is not listened to', async () => {
  for (const ruin of [
    'ln -sf /dev/zero .git/shallow',
    'truncate -s 600M .git/shallow',
    'echo nonsense >.git/shallow',
    'rm .git/shallow',
    'mkfifo .git/fifo; ln -sf fifo .git/shallow',
  ]) {
    const workspace = await ground.open()
    await shell(workspace, ruin)
    const before = process.memoryUsage().arrayBuffers
    await workspace.run('log', { limit: 5, deadlineMs: 2000 }).catch((error: unknown) => {
      assert(hasCode(error, 'git_failed', 'output_limit', 'objects_missing', 'deadline_exceeded'), ruin)
    })
    assert(process.memoryUsage().arrayBuffers - before < 300_000_000, ruin)
    await workspace.close()
  }
})

test('once the upstream has thrown away what a workspace was opened on, its work can still be brought together and published', async () => {
  const workspace = await worked()
  const { git } = ground.source
  await git(['update-ref', 'refs/heads/main', 'main~1'])
  const news = await ground.source.commit({ files: { 'b.txt': 'instead\n' } })
  await git(['reflog', 'expire', '--expire=now', '--all'])
  await git(['gc', '--prune=now', '--quiet'])
  const { value } = await workspace.run('fetch', {})
  assert.equal((value as { commit: string }).commit, news)
  assert.equal(await shell(workspace, 'git rev-parse origin/main; git fsck; git status --porcelain'), `${news}\n`)
  const pushed = await workspace.run('push', { branch: 'saved' })
  assert.equal(await git(['rev-parse', 'saved']), (pushed.value as { commit: string }).commit)
  assert.equal(await git(['log', '-1', '--format=%s', 'saved']), 'Mine')
  assert.equal(await git(['fsck', '--no-dangling']), '')
  await workspace.close()
})
