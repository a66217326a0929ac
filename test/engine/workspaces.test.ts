import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { makeGround } from '../support/engine-repository.ts'
import { shell } from '../support/in-workspace.ts'
import { leftovers } from '../support/leftovers.ts'

const ground = makeGround(async (source) => {
  await source.commit({ files: { 'README.md': '# Ground\n', 'src/a.txt': 'a\n', tool: { executable: '#!/bin/sh\n' } } })
  await source.commit({ files: { 'src/a.txt': 'a\nb\n' } })
  await source.branch('topic/deep', 'main~1')
  await source.tag('v1', { message: 'One' })
})

after(() => assert.deepEqual(leftovers(ground.home), []))

const look = 'git status --porcelain=v2 --branch; git remote get-url origin'

test('a workspace is opened on its branch with its upstream, or detached on a tag or commit, and is clean', async () => {
  const id = await ground.source.git(['rev-parse', 'main~1'])
  const main = await ground.source.git(['rev-parse', 'main'])
  const onBranch = await ground.open({ ref: 'topic/deep' })
  assert.equal(
    await shell(onBranch, look),
    `# branch.oid ${id}\n# branch.head topic/deep\n# branch.upstream origin/topic/deep\n# branch.ab +0 -0\n${ground.repo}\n`,
  )
  assert.deepEqual([onBranch.receipt.commit, onBranch.receipt.ref], [id, 'refs/heads/topic/deep'])
  for (const [ref, commit] of [
    ['v1', main],
    [id, id],
  ] as const) {
    const detached = await ground.open({ ref })
    assert.match(await shell(detached, look), new RegExp(`^# branch.oid ${commit}\n# branch.head \\(detached\\)\n`))
    await detached.close()
  }
  await onBranch.close()
})

test('revisions are what git in the workspace understands: abbreviated ids, steps, searches, its own branches', async () => {
  const workspace = await ground.open({ history: 'full' })
  const main = await ground.source.git(['rev-parse', 'main'])
  const first = await ground.source.git(['rev-parse', 'main~1'])
  await shell(workspace, 'git branch mine HEAD~1; git tag local')
  for (const [revision, commit] of [
    [main.slice(0, 9), main],
    ['HEAD~1', first],
    ['mine', first],
    ['local^{}', main],
    ['@', main],
    ['mine@{0}', first],
    ['origin/main', main],
    [':/Commit 1', first],
    ['HEAD^{/Commit 1}', first],
  ] as const) {
    const { value } = await workspace.run('rev-parse', { revision })
    assert.equal((value as { commit: string }).commit, commit, revision)
  }
  for (const revision of ['nowhere', 'HEAD~9', 'HEAD:README.md', '1234567', ':/no such message'])
    await assert.rejects(workspace.run('rev-parse', { revision }), { code: 'commit_not_found' }, revision)
  for (const revision of ['--all', '-1', 'a\nb', ''])
    await assert.rejects(workspace.run('rev-parse', { revision }), { code: 'ref_invalid' }, revision)
  const { value } = await workspace.run('branches', {})
  assert.deepEqual(
    (value as { branches: { name: string; isDefault: boolean }[] }).branches.map(({ name, isDefault }) => [
      name,
      isDefault,
    ]),
    [
      ['main', true],
      ['mine', false],
    ],
  )
  await workspace.close()
})

test('a program that is sent a signal ends by it, and none is left at its deadline', async () => {
  const workspace = await ground.open()
  const sleeping = await workspace.exec({ argv: ['sh', '-c', 'echo up; exec sleep 100'] })
  await sleeping.running.stdout[Symbol.asyncIterator]().next()
  sleeping.running.signal('SIGTERM')
  assert.equal((await sleeping.running.exit).signal, 'SIGTERM')
  await sleeping.receipt
  const slow = await workspace.exec({ argv: ['sleep', '100'], deadlineMs: 50 })
  await assert.rejects(slow.running.exit, { code: 'deadline_exceeded' })
  await assert.rejects(slow.receipt, { code: 'deadline_exceeded' })
  await workspace.close()
  assert.deepEqual(leftovers(ground.home), [])
})

test('a workspace ends by itself when its time is over, and lives on when it is extended', async () => {
  const [brief, longer] = await Promise.all([ground.open({ ttlMs: 1000 }), ground.open({ ttlMs: 1000 })])
  const before = longer.expiresAt
  const { value } = await longer.extend({ ttlMs: 3_600_000 })
  assert.ok(value.expiresAt > before)
  const { running } = await brief.exec({ argv: ['sleep', '100'] })
  await assert.rejects(running.exit, { code: 'workspace_not_found' })
  await assert.rejects(brief.run('status'), { code: 'workspace_not_found' })
  assert.equal(((await longer.run('status')).value as { clean: boolean }).clean, true)
  await longer.close()
  await assert.rejects(ground.open({ ttlMs: 10 ** 9 }), { code: 'input_invalid' })
})

test('reads run together, a write waits for them and they for it', async () => {
  const workspace = await ground.open()
  const order: string[] = []
  const said = (word: string) => (): void => void order.push(word)
  await Promise.all([
    workspace.run('log', {}).then(said('read')),
    workspace.run('write-file', { path: 'a', content: 'a' }).then(said('write')),
    workspace.run('status', {}).then(({ value }) => {
      said('later read')()
      assert.equal((value as { clean: boolean }).clean, false)
    }),
  ])
  assert.deepEqual(order, ['read', 'write', 'later read'])
  await workspace.close()
})

test('an index that a program holds is waited for, then workspace_busy; a lock that nobody holds is taken away', async () => {
  const workspace = await ground.open()
  await workspace.run('write-file', { path: 'a', content: 'a' })
  await shell(workspace, 'touch .git/index.lock')
  await workspace.run('add', {})
  const { running, receipt } = await workspace.exec(
    {
      argv: ['sh', '-c', 'touch .git/index.lock; echo held; read go; rm .git/index.lock; echo free; sleep 100'],
    },
    { stdin: held() },
  )
  const release = Promise.withResolvers<void>()
  async function* held(): AsyncGenerator<Uint8Array> {
    await release.promise
    yield Buffer.from('go\n')
  }
  const chunks = running.stdout[Symbol.asyncIterator]()
  await chunks.next()
  await assert.rejects(workspace.run('reset', {}), { code: 'workspace_busy' })
  const waiting = workspace.run('reset', {})
  release.resolve()
  await waiting
  running.signal('SIGKILL')
  await receipt
  await workspace.close()
})

test('a workspace that cannot be opened leaves no image', async () => {
  const images = (await ground.engine.images()).length
  await assert.rejects(ground.open({ ref: 'nowhere' }), { code: 'ref_not_found' })
  assert.equal((await ground.engine.images()).length, images)
})
