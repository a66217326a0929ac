import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { hasCode } from '../../src/core/errors.ts'
import type { Workspace } from '../../src/engine/contract.ts'
import { makeGround } from '../support/engine-repository.ts'
import { shell } from '../support/in-workspace.ts'
import { leftovers } from '../support/leftovers.ts'
import { addHook, cleanState } from '../support/push-target.ts'

const ground = makeGround(async (source) => {
  await source.commit({ files: { 'a.txt': 'a\n', 'docs/guide.md': 'guide\n', 'src/main.c': 'main\n' } })
  for (let step = 0; step < 5; step++) await source.commit({ files: { [`src/${step}.c`]: `${step}\n` } })
  await source.branch('release', 'main~4')
  await source.branch('other', 'main~1')
  await source.commit({ branch: 'other', files: { 'other.txt': 'other\n' } })
})

after(() => assert.deepEqual(leftovers(ground.home), []))

interface Pushed {
  readonly branch: string
  readonly commit: string
  readonly previous: string | null
  readonly isTracked: boolean
}

/** Makes a commit in a workspace that changes one file, and returns its id. */
async function change(workspace: Workspace, path: string, content: string): Promise<string> {
  await workspace.run('write-file', { path, content })
  await workspace.run('add', {})
  return ((await workspace.run('commit', { message: `Change ${path}` })).value as { commit: string }).commit
}

const at = (branch: string) => ground.source.git(['rev-parse', `refs/heads/${branch}`])

for (const [kind, how] of [
  ['of one generation', {}],
  ['that is sparse', { cone: ['docs'] }],
  ['with whole history', { history: 'full' }],
] as const) {
  test(`a workspace ${kind} pushes new branches and updates, and the upstream stays whole`, async () => {
    const workspace = await ground.open(how)
    const branch = `mine/${kind.replaceAll(' ', '-')}`
    const first = await change(workspace, 'docs/guide.md', `guide ${kind}\n`)
    const created = await workspace.run('push', { branch })
    assert.deepEqual(created.value, { branch, commit: first, previous: null, isTracked: true } satisfies Pushed)
    assert.equal(await shell(workspace, `git rev-parse refs/remotes/origin/${branch}`), `${first}\n`)
    const second = await change(workspace, 'docs/new.md', 'new\n')
    const updated = await workspace.run('push', { branch, expectedOld: first })
    assert.deepEqual(updated.value, { branch, commit: second, previous: first, isTracked: true })
    assert.equal(await at(branch), second)
    const again = await workspace.run('push', { branch })
    assert.deepEqual(again.value, { branch, commit: second, previous: second, isTracked: true })
    assert.deepEqual(
      await ground.source.git(['diff', '--name-status', `main`, branch]),
      'M\tdocs/guide.md\nA\tdocs/new.md',
    )
    await cleanState(ground.source)
    await workspace.close()
  })
}

test('an older branch moves forward although the workspace does not know the way, and commits are not lost unasked', async () => {
  const workspace = await ground.open()
  const before = await at('release')
  const commit = await change(workspace, 'a.txt', 'release\n')
  const forward = await workspace.run('push', { branch: 'release' })
  assert.deepEqual(forward.value, { branch: 'release', commit, previous: before, isTracked: true })
  const other = await at('other')
  for (const wish of [
    { branch: 'other' },
    { branch: 'other', expectedOld: other },
    { branch: 'other', commit: 'HEAD~1' },
  ])
    await assert.rejects(workspace.run('push', wish), (error) => {
      assert(hasCode(error, 'push_rejected'))
      assert.equal(error.details['reason'], 'non_fast_forward')
      return true
    })
  assert.equal(await at('other'), other)
  const forced = await workspace.run('push', { branch: 'other', expectedOld: other, force: true })
  assert.deepEqual(forced.value, { branch: 'other', commit, previous: other, isTracked: true })
  await workspace.close()
})

test('a branch that moved meanwhile is not moved again: neither with an expectation nor without', async () => {
  const workspace = await ground.open({ ref: 'main' })
  const commit = await change(workspace, 'a.txt', 'late\n')
  const main = await at('main')
  const moved = await ground.source.commit({ files: { 'b.txt': 'b\n' } })
  await assert.rejects(workspace.run('push', { branch: 'main', expectedOld: main }), { code: 'ref_moved' })
  await assert.rejects(workspace.run('push', { branch: 'main', expectedOld: 'none' }), { code: 'ref_moved' })
  await assert.rejects(workspace.run('push', { branch: 'unborn', expectedOld: main }), { code: 'ref_moved' })
  await assert.rejects(workspace.run('push', { branch: 'main' }), { code: 'push_rejected' })
  assert.equal(await at('main'), moved)
  await workspace.run('pull', {})
  const { value } = await workspace.run('push', { branch: 'main', expectedOld: moved })
  assert.equal((value as Pushed).previous, moved)
  assert.equal(await ground.source.git(['merge-base', '--is-ancestor', commit, 'main']), '')
  await workspace.close()
})

test('a push that is done is said to be done, though the workspace cannot note where the branch is now', async () => {
  for (const [branch, hindrance] of [
    ['locked', 'mkdir -p .git/refs/remotes/origin; touch .git/refs/remotes/origin/locked.lock'],
    ['blocked', 'mkdir -p .git/refs/remotes/origin/blocked; git update-ref refs/remotes/origin/blocked/x HEAD'],
    ['broken', 'rm -rf .git/refs/remotes; echo x >.git/refs/remotes'],
  ] as const) {
    const workspace = await ground.open()
    const commit = await change(workspace, 'a.txt', `${branch}\n`)
    await shell(workspace, hindrance)
    ground.server.forgetRequests()
    const { value } = await workspace.run('push', { branch, force: true })
    assert.deepEqual(value, { branch, commit, previous: null, isTracked: false } satisfies Pushed)
    assert.equal(ground.server.count('push'), 1)
    assert.equal(await at(branch), commit)
    await workspace.close()
  }
})

test('what a hook of the server declines and what it hides is push_rejected, with its words', async () => {
  const workspace = await ground.open()
  await change(workspace, 'a.txt', 'refused\n')
  await addHook(ground.source, 'pre-receive', 'echo "not on a Tuesday" >&2; exit 1')
  await assert.rejects(workspace.run('push', { branch: 'declined' }), (error) => {
    assert(hasCode(error, 'push_rejected'))
    assert.equal(error.details['reason'], 'hook_declined')
    assert.match(String(error.details['said']), /not on a Tuesday/)
    return true
  })
  await addHook(ground.source, 'pre-receive', 'exit 0')
  await ground.source.git(['config', 'receive.hideRefs', 'refs/heads/hidden'])
  await assert.rejects(workspace.run('push', { branch: 'hidden' }), (error) => {
    assert(hasCode(error, 'push_rejected'))
    assert.equal(error.details['reason'], 'protected')
    return true
  })
  const refs = await cleanState(ground.source)
  assert(!refs.some((ref) => /declined|hidden/.test(ref)))
  ground.server.takesPushes = false
  await assert.rejects(workspace.run('push', { branch: 'readonly' }), { code: 'access_denied' })
  ground.server.takesPushes = true
  await workspace.close()
})

test('a commit that the upstream has gets another name from a repository, without a workspace', async () => {
  const commit = await ground.source.git(['rev-parse', 'main~2'])
  const { value } = await ground.engine.run('push', { repo: ground.repo, branch: 'named', commit })
  assert.deepEqual(value, { branch: 'named', commit, previous: null, isTracked: true })
  assert.equal(await at('named'), commit)
})

test('a push larger than allowed is refused before anything is sent', async () => {
  const engine = await ground.home.open({ maxPushBytes: 100_000 })
  const workspace = await engine.open({ repo: ground.repo })
  await shell(workspace, 'head -c 300000 /dev/urandom >big; git add big; git commit -qm big')
  await assert.rejects(workspace.run('push', { branch: 'big' }), { code: 'output_limit' })
  assert.equal(await ground.source.git(['for-each-ref', 'refs/heads/big']), '')
  await workspace.close()
})

test('what a workspace brought of the history since can be pushed, and commits made on it', async () => {
  const workspace = await ground.open()
  await workspace.run('log', { limit: 5 })
  const old = await shell(workspace, 'git rev-parse HEAD~3').then((text) => text.trim())
  const { value } = await workspace.run('push', { branch: 'old', commit: 'HEAD~3' })
  assert.deepEqual(value, { branch: 'old', commit: old, previous: null, isTracked: true } satisfies Pushed)
  await shell(workspace, 'git checkout --quiet HEAD~3')
  const commit = await change(workspace, 'a.txt', 'made on an older commit\n')
  await workspace.run('push', { branch: 'old' })
  assert.equal(await at('old'), commit)
  await cleanState(ground.source)
  await workspace.close()
})

test('a workspace outlives its image, and can still be pushed from', async () => {
  const workspace = await ground.open()
  const commit = await change(workspace, 'a.txt', 'made without an image\n')
  for (const { id } of await ground.engine.images()) await ground.engine.drop(id)
  await workspace.run('push', { branch: 'orphaned' })
  assert.equal(await at('orphaned'), commit)
  await cleanState(ground.source)
  await workspace.close()
})
