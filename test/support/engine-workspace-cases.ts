import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EngineCases } from './engine-cases.ts'
import { shell } from './in-workspace.ts'

/** Opening, using and ending a workspace. */
export function workspaceCases({ ground, engine, open }: EngineCases): void {
  test('an agent’s day: read, change, see, commit, publish, and leave nothing behind', async () => {
    const workspace = await open()
    assert.deepEqual((await workspace.run('status')).value, {
      clean: true,
      entries: [],
      totals: { staged: 0, unstaged: 0, unmerged: 0, untracked: 0, ignored: 0 },
      truncated: false,
    })
    await workspace.run('write-file', { path: 'src/new/file.txt', content: 'new\n' })
    await workspace.files.write('README.md', Buffer.from('# Changed\n'))
    assert.equal((await workspace.files.read('README.md')).content.toString(), '# Changed\n')
    await workspace.run('add', {})
    const { value, receipt } = await workspace.run('commit', { message: 'Change' })
    const { commit } = value as { commit: string }
    assert.equal(receipt.tier, 'workspace')
    assert.equal((await shell(workspace, 'git rev-parse HEAD')).trim(), commit)
    assert.equal(await shell(workspace, 'git log -1 --format="%an <%ae> %s"'), 'forkyard <forkyard@localhost> Change\n')
    const diff = (await workspace.run('diff', { from: 'HEAD~1', to: 'HEAD' })).value as { files: { path: string }[] }
    assert.deepEqual(
      diff.files.map(({ path }) => path),
      ['README.md', 'src/new/file.txt'],
    )
    assert.equal((await workspace.run('status')).receipt.bytesFetched, 0)
    await workspace.run('push', { branch: 'published' })
    assert.equal(await ground.source.git(['rev-parse', 'published']), commit)
    await workspace.close()
    assert.deepEqual(await engine().workspaces(), [])
  })

  test('a closed workspace is gone for every use, and may be closed again', async () => {
    const workspace = await open()
    const { id } = workspace
    await workspace.close()
    await workspace.close()
    const gone = { code: 'workspace_not_found' }
    await assert.rejects(workspace.run('status'), gone)
    await assert.rejects(workspace.exec({ argv: ['true'] }), gone)
    await assert.rejects(workspace.fork(), gone)
    await assert.rejects(workspace.extend({ ttlMs: 60_000 }), gone)
    await assert.rejects(workspace.files.list(null), gone)
    await assert.rejects(workspace.files.read('README.md'), gone)
    await assert.rejects(workspace.files.write('a', Buffer.from('a')), gone)
    await assert.rejects(workspace.files.remove('README.md'), gone)
    assert.throws(() => workspace.expiresAt, gone)
    for (const unknown of [id, 'ws_none', '', '..', '../images', 'a/b?c#d', '\ud800'])
      await assert.rejects(engine().workspace(unknown), gone, unknown)
  })

  test('a workspace is listed, and found again by its id', async () => {
    const workspace = await open({ cone: ['src'], ttlMs: 60_000 })
    const { id, receipt, expiresAt } = workspace
    const again = await engine().workspace(id)
    assert.deepEqual([again.id, again.receipt, again.expiresAt], [id, receipt, expiresAt])
    const [listed, ...others] = await engine().workspaces()
    assert.deepEqual(listed, {
      id,
      repo: ground.repo,
      ref: 'refs/heads/main',
      commit: receipt.commit,
      history: 1,
      cone: ['src'],
      expiresAt,
      programs: 0,
    })
    assert.deepEqual(others, [])
    await again.close()
    await workspace.close()
    await assert.rejects(workspace.run('status'), { code: 'workspace_not_found' })
  })

  test('forks have what was changed and go their own ways; extending moves the end', async () => {
    const workspace = await open({ ttlMs: 60_000 })
    await workspace.run('write-file', { path: 'mine', content: 'mine\n' })
    const [one, two, ...others] = await workspace.fork({ count: 2 })
    assert(one !== undefined && two !== undefined && others.length === 0)
    await one.run('write-file', { path: 'mine', content: 'ones\n' })
    assert.equal(await shell(two, 'cat mine'), 'mine\n')
    assert.equal(two.receipt.commit, workspace.receipt.commit)
    const before = workspace.expiresAt
    const { value, receipt } = await workspace.extend({ ttlMs: 3_600_000, history: 'full' })
    assert(value.expiresAt > before)
    assert.deepEqual([value.id, workspace.expiresAt], [workspace.id, value.expiresAt])
    assert.equal(receipt.history, 'full')
    for (const bad of [{ count: 0 }, { count: 1000 }, { n: 2 }, null])
      await assert.rejects(workspace.fork(bad), { code: 'input_invalid' })
    await assert.rejects(workspace.extend({ ttlMs: 10 ** 9 }), { code: 'input_invalid' })
    await assert.rejects(workspace.fork({}, { signal: AbortSignal.abort() }), { code: 'canceled' })
    assert.equal((await engine().workspaces()).length, 3)
    for (const each of [workspace, one, two]) await each.close()
  })

  test('what is asked wrongly in a workspace is refused by the same code everywhere', async () => {
    const workspace = await open()
    await assert.rejects(workspace.run('rm', {}), { code: 'operation_unknown' })
    await assert.rejects(workspace.run('log', { repo: ground.repo }), { code: 'input_invalid' })
    await assert.rejects(workspace.run('read-file', { path: '../etc/passwd' }), { code: 'path_invalid' })
    await assert.rejects(workspace.run('status', null), { code: 'input_invalid' })
    await assert.rejects(workspace.run('checkout', { ref: 'nowhere' }), { code: 'ref_not_found' })
    await assert.rejects(workspace.run('commit', { message: 'Nothing' }), { code: 'nothing_to_commit' })
    await workspace.close()
  })
}
