import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { Workspace } from '../../src/engine/contract.ts'
import { makeHome } from '../support/engine-home.ts'
import { makeGround } from '../support/engine-repository.ts'
import { shell } from '../support/in-workspace.ts'
import { leftovers } from '../support/leftovers.ts'

const lines = (count: number, changed = -1) =>
  Array.from({ length: count }, (_, line) => `line ${line}${line === changed ? ' changed' : ''}\n`).join('')

const ground = makeGround(async (source) => {
  await source.commit({
    files: {
      'a.txt': lines(20),
      'docs/guide.md': 'guide\n',
      'src/main.c': 'main\n',
      'more/file': 'more\n',
      '.keep': '',
    },
  })
  for (let step = 0; step < 8; step++)
    await source.commit({ files: { 'a.txt': lines(20, step), [`src/${step}.c`]: `${step}\n` } })
  await source.branch('topic', 'main~4')
  await source.commit({ branch: 'topic', files: { 'topic.txt': 'topic\n' } })
  await source.commit({ branch: 'topic', files: { 'docs/guide.md': 'guide\ntopic\n' } })
})

// An image with everything would serve who asks for less as well.
const other = makeHome()

after(() => assert.deepEqual(leftovers(ground.home), []))

/** The answer in a workspace of the tip alone, and of everything, and what the first had to bring. */
async function twice(name: string, input: unknown, prepare?: (workspace: Workspace) => Promise<unknown>) {
  const engine = await other.open()
  const [shallow, full] = [await ground.open(), await engine.open({ repo: ground.repo, history: 'full' })]
  for (const workspace of [shallow, full]) await prepare?.(workspace)
  const [ours, theirs] = [await shallow.run(name, input), await full.run(name, input)]
  const states = await Promise.all(
    [shallow, full].map((one) =>
      shell(one, 'git status --porcelain=v2; git rev-parse HEAD^{tree}; git symbolic-ref HEAD; git fsck'),
    ),
  )
  await Promise.all([shallow.close(), full.close()])
  assert.equal(states[0], states[1])
  assert.deepEqual(theirs.receipt.plan, [])
  return { ours, theirs }
}

test('log, blame, describe and merge-base in a workspace of one generation answer as on all of them, and say what they brought', async () => {
  const fetchTopic = (workspace: Workspace) => workspace.run('fetch', { ref: 'topic' })
  for (const [name, input, prepare] of [
    ['log', { limit: 100 }, undefined],
    ['log', { limit: 3 }, undefined],
    ['log', { limit: 100, path: 'a.txt' }, undefined],
    ['blame', { path: 'a.txt' }, undefined],
    ['merge-base', { ours: 'HEAD', theirs: 'refs/remotes/origin/topic' }, fetchTopic],
    ['diff', { from: 'HEAD~3', to: 'HEAD' }, undefined],
  ] as const) {
    const { ours, theirs } = await twice(name, input, prepare)
    assert.deepEqual(ours.value, theirs.value, name)
    assert.match(ours.receipt.plan.join('\n'), /fetch/, name)
    assert.ok(ours.receipt.bytesFetched > 0, name)
    assert.ok(ours.receipt.phases.some(({ name: phase }) => phase === 'fetch'))
  }
})

test('a rebase in a workspace of one generation makes the commits that it makes on all of them', async () => {
  const { ours, theirs } = await twice('rebase', { onto: 'refs/remotes/origin/topic' }, async (workspace) => {
    await workspace.run('write-file', { path: 'mine.txt', content: 'mine\n' })
    await workspace.run('add', {})
    const date = '2026-01-02T03:04:05Z'
    const person = { name: 'A', email: 'a@example.com', date }
    await workspace.run('commit', { message: 'Mine', author: person, committer: person })
    await workspace.run('fetch', { ref: 'topic' })
  })
  // Its committers' dates are of now, so the commits' own ids differ.
  const { head, ...rest } = ours.value as { head: unknown; applied: number }
  assert.ok(head)
  const { head: _, ...theirRest } = theirs.value as { head: unknown }
  assert.deepEqual(rest, theirRest)
  assert.equal(rest.applied, 5)
  assert.match(ours.receipt.plan.join('\n'), /fetch/)
})

test('an upgrade keeps local commits, changes, stashes and what is staged', async () => {
  const workspace = await ground.open()
  await workspace.run('write-file', { path: 'stashed.txt', content: 'later\n' })
  await workspace.run('stash', { action: 'push', includeUntracked: true })
  await workspace.run('write-file', { path: 'mine.txt', content: 'mine\n' })
  await workspace.run('add', {})
  await workspace.run('commit', { message: 'Mine' })
  await workspace.run('write-file', { path: 'staged.txt', content: 'staged\n' })
  await workspace.run('add', {})
  await workspace.run('write-file', { path: 'a.txt', content: 'dirty\n' })
  const look = 'git status --porcelain=v2; git stash list; git log -1 --format=%s; cat a.txt'
  const before = await shell(workspace, look)
  const { value } = await workspace.run('log', { limit: 100 })
  assert.equal((value as { commits: unknown[] }).commits.length, 10)
  await workspace.extend({ history: 'full' })
  assert.equal(await shell(workspace, look), before)
  assert.equal(await shell(workspace, 'git fsck; git rev-parse --is-shallow-repository'), 'false\n')
  await workspace.close()
})

test('a cone is checked out alone, can be widened, and what lies outside is brought when it is read', async () => {
  const workspace = await ground.open({ cone: ['docs'] })
  assert.equal(await shell(workspace, 'ls -A; ls docs; git status --porcelain'), '.git\n.keep\na.txt\ndocs\nguide.md\n')
  const { value, receipt } = await workspace.run('read-file', { path: 'src/main.c' })
  assert.equal((value as { content: string }).content, 'main\n')
  assert.ok(receipt.bytesFetched > 0)
  await workspace.run('write-file', { path: 'docs/new.md', content: 'new\n' })
  const { receipt: wider } = await workspace.extend({ cone: ['src'] })
  assert.match(wider.plan.join('\n'), /check out/)
  assert.equal(
    await shell(workspace, 'ls src | wc -l; cat src/main.c; git status --porcelain'),
    '9\nmain\n?? docs/new.md\n',
  )
  await workspace.close()
})

test('what somebody has checked out by hand stays when a cone is widened', async () => {
  const workspace = await ground.open({ cone: ['docs'] })
  await workspace.run('read-file', { path: 'more/file' })
  await shell(workspace, 'git sparse-checkout add more')
  await workspace.extend({ cone: ['src'] })
  assert.equal(await shell(workspace, 'ls; git status --porcelain'), 'a.txt\ndocs\nmore\nsrc\n')
  await workspace.close()
})

test('a cone is no obstacle to whole history', async () => {
  const workspace = await ground.open({ cone: ['docs'] })
  const all = await workspace.run('blame', { path: 'a.txt' })
  assert.deepEqual(all.value, (await ground.engine.run('blame', { repo: ground.repo, path: 'a.txt' })).value)
  await workspace.close()
})

test('fetch and pull bring what has been pushed since, and pull keeps what was done here', async () => {
  const workspace = await ground.open({ ref: 'topic' })
  await workspace.run('write-file', { path: 'mine.txt', content: 'mine\n' })
  await workspace.run('add', {})
  await workspace.run('commit', { message: 'Mine' })
  const pushed = await ground.source.commit({ branch: 'topic', files: { 'later.txt': 'later\n' } })
  const fetched = await workspace.run('fetch', { ref: 'topic' })
  assert.equal((fetched.value as { commit: string }).commit, pushed)
  assert.equal(
    await shell(workspace, 'git rev-parse origin/topic; ls later.txt 2>&1 || true').then((all) => all.split('\n')[0]),
    pushed,
  )
  const { value } = await workspace.run('pull', {})
  assert.equal((value as { fetched: string }).fetched, pushed)
  assert.equal(
    await shell(workspace, 'cat later.txt mine.txt; git status --porcelain; git log -1 --format=%P | wc -w'),
    'later\nmine\n2\n',
  )
  await workspace.close()
})

test('a history that the upstream itself does not have is said to be incomplete', async () => {
  await ground.source.git([
    'clone',
    '--quiet',
    '--bare',
    '--depth=2',
    `file://${ground.source.dir}`,
    `${ground.home.dir}/cut.git`,
  ])
  const workspace = await ground.engine.open({ repo: ground.server.url('cut') })
  await assert.rejects(workspace.run('blame', { path: 'a.txt' }), { code: 'history_incomplete' })
  assert.equal(((await workspace.run('status')).value as { clean: boolean }).clean, true)
  await workspace.close()
})

test('who works on an older commit gets the answers of the whole history as well', async () => {
  const parents = (value: unknown) => (value as { parents: readonly string[] }).parents
  for (const [name, input] of [
    ['show', {}],
    ['log', { limit: 2 }],
    ['diff', { from: 'HEAD~2', to: 'HEAD' }],
    ['rev-parse', { revision: '@~1' }],
    ['rev-parse', { revision: 'HEAD^{commit}~1' }],
    ['rev-parse', { revision: ':/Commit 1' }],
    ['revert', { revision: 'mark', commit: false }],
    ['cherry-pick', { revision: 'mark~1', commit: false }],
  ] as const) {
    const workspaces = [await ground.open({ history: 3 }), await ground.open({ history: 'full' })] as const
    const answers = []
    for (const workspace of workspaces) {
      await shell(workspace, 'git checkout --quiet HEAD~2; git tag mark')
      answers.push((await workspace.run(name, input)).value)
      await workspace.close()
    }
    assert.deepEqual(answers[0], answers[1], name)
  }
  const workspace = await ground.open({ history: 3 })
  await shell(workspace, 'git checkout --quiet HEAD~2')
  const above = await shell(workspace, 'git log -1 --format=%s')
  const { value } = await workspace.run('commit', { message: 'Better', amend: true })
  assert.equal(parents(value).length, 1, above)
  await workspace.close()
})
