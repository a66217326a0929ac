import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { makeGround } from '../support/engine-repository.ts'
import { shell } from '../support/in-workspace.ts'
import { leftovers } from '../support/leftovers.ts'

const ground = makeGround(async (source) => {
  const files = Array.from({ length: 40 }, (_, at) => [`d${at % 4}/f${at}`, `${at}\n`] as const)
  await source.commit({ files: Object.fromEntries(files) })
  await source.commit({ files: { 'a.txt': 'a\n' } })
})

after(() => assert.deepEqual(leftovers(ground.home), []))

const look =
  'git status --porcelain=v2 --branch; git stash list; git log --format=%H; git ls-files -s; find . -path ./.git -prune -o -type f -print0 | sort -z | xargs -0 sha256sum'

test('a fork has all that was changed, staged, stashed and committed, and from then on goes its own way', async () => {
  const parent = await ground.open()
  await shell(parent, 'echo stashed >s; git add s; git stash -q; echo 1 >mine; git add mine; git commit -qm Mine')
  await shell(
    parent,
    'for n in 0 1 2 3 4 5 6 7 8 9; do echo changed >>d0/f$((n * 4)); done; rm d1/f1; mkdir new; echo n >new/n; echo staged >st; git add st',
  )
  const [one, two] = await parent.fork({ count: 2 })
  assert(one !== undefined && two !== undefined)
  const before = await shell(parent, look)
  for (const fork of [one, two]) {
    assert.equal(await shell(fork, look), before)
    assert.deepEqual((await fork.run('status')).value, (await parent.run('status')).value)
    assert.deepEqual(fork.receipt.commit, parent.receipt.commit)
  }
  assert.equal(new Set([parent.id, one.id, two.id]).size, 3)
  await one.run('write-file', { path: 'only-one', content: 'x' })
  await parent.run('write-file', { path: 'only-parent', content: 'x' })
  assert.equal(await shell(two, look), before)
  await parent.close()
  // A fork does not need what it was forked from.
  await one.run('add', {})
  const { value } = await one.run('commit', { message: 'One' })
  await one.run('push', { branch: 'one' })
  assert.equal(await ground.source.git(['rev-parse', 'one']), (value as { commit: string }).commit)
  const [grandchild] = await two.fork()
  assert(grandchild !== undefined)
  assert.equal(await shell(grandchild, look), before)
  await Promise.all([one, two, grandchild].map((each) => each.close()))
})

test('a fork taken while programs write is of one moment, and the programs go on', async () => {
  const workspace = await ground.open()
  const script =
    'echo 0 >first; echo 0 >second; echo up; n=0; while [ ! -e stop ]; do n=$((n + 1)); echo $n >t; mv t first; echo $n >t; mv t second; done; echo $n'
  const { running, receipt } = await workspace.exec({ argv: ['sh', '-c', script] })
  const chunks = running.stdout[Symbol.asyncIterator]()
  await chunks.next()
  const forks = await workspace.fork({ count: 3 })
  for (const fork of forks) {
    const [first = 0, second = 0] = (await shell(fork, 'cat first; cat second; true')).split('\n').map(Number)
    assert(first - second === 0 || first - second === 1, `${first} ${second}`)
    assert.equal((await ground.engine.workspaces()).find(({ id }) => id === fork.id)?.programs, 0)
    await fork.close()
  }
  await workspace.run('write-file', { path: 'stop', content: '' })
  for await (const _ of { [Symbol.asyncIterator]: () => chunks }) continue
  assert.equal((await running.exit).code, 0)
  await receipt
  await workspace.close()
})

test('forks are refused where nothing would be made, and none is left', async () => {
  const workspace = await ground.open()
  for (const bad of [{ count: 0 }, { count: 1000 }, { n: 2 }, { count: 1, ttlMs: 1 }])
    await assert.rejects(workspace.fork(bad), { code: 'input_invalid' })
  const gone = AbortSignal.abort()
  await assert.rejects(workspace.fork({ count: 2 }, { signal: gone }), { code: 'canceled' })
  assert.equal((await ground.engine.workspaces()).length, 1)
  await workspace.close()
  await assert.rejects(workspace.fork(), { code: 'workspace_not_found' })
})
