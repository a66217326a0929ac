import assert from 'node:assert/strict'
import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { readCone } from '../../src/git/cone.ts'
import { gitAt, scratchDir } from '../support/operation-run.ts'
import { makeRepository, type Repository } from '../support/repository.ts'
import { oddNames } from '../support/rich-repository.ts'

const { signal } = new AbortController()

/** The paths git itself does not leave out of the worktree, and those we take for shown. */
async function compare({ dir, gitBytes }: Repository) {
  const records = (await gitBytes(['ls-files', '-t', '-z'])).toString('latin1').split('\0').slice(0, -1)
  const isShown = await readCone(gitAt(dir), { signal })
  const paths = records.map((record) => record.slice(2))
  return {
    git: records.filter((record) => record.startsWith('H ')).map((record) => record.slice(2)),
    ours: paths.filter((path) => isShown({ path: Buffer.from(path, 'latin1') })),
    all: paths,
  }
}

test('what a cone shows is what git checks out', async (t) => {
  const repository = await makeRepository(await scratchDir(t))
  const odd = ['é', 'quote"d', ' sp ace ', 'tab\there']
  const names = ['top', 'a/f', 'a/b/f', 'a/b/c/f', 'a/bb/f', 'ab/f', 'd/e/f', ...odd.map((name) => `${name}/f`)]
  await repository.commit({ files: Object.fromEntries(names.map((name) => [name, ''])) })
  await repository.checkout()
  for (const cone of [[], ['a/b'], ['a', 'd/e'], odd]) {
    await repository.git(['sparse-checkout', 'set', '--cone', ...cone])
    const { git, ours } = await compare(repository)
    assert.deepEqual(ours, git, cone.join())
  }
})

test('where patterns make no cone everything may be shown', async (t) => {
  const repository = await makeRepository(await scratchDir(t))
  await repository.commit({ files: Object.fromEntries([...oddNames, 'a/f', 'b/f'].map((name) => [name, ''])) })
  await repository.checkout()
  const expectAll = async () => {
    const { ours, all } = await compare(repository)
    assert.deepEqual(ours, all)
  }
  await expectAll()
  await repository.git(['sparse-checkout', 'set', '--no-cone', 'a'])
  await expectAll()
  await repository.git(['sparse-checkout', 'set', '--cone', 'a'])
  await appendFile(join(repository.dir, '.git/info/sparse-checkout'), '*.txt\n!b/*.c\n')
  await expectAll()
  await repository.git(['config', '--worktree', 'core.sparseCheckoutCone', 'nonsense'])
  const isShown = await readCone(gitAt(repository.dir), { signal })
  assert.ok(isShown({ path: Buffer.from('b/f') }))
})
