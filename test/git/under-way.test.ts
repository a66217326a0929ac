import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { hasCode } from '../../src/core/errors.ts'
import { readUnderWay } from '../../src/git/under-way.ts'
import { makeDiverged } from '../support/diverged.ts'
import { gitAt, scratchDir } from '../support/operation-run.ts'
import { makeRepository } from '../support/repository.ts'

const { signal } = new AbortController()

async function scene(t: Parameters<typeof scratchDir>[0]) {
  const repository = await makeRepository(await scratchDir(t))
  await makeDiverged(repository)
  await repository.checkout()
  const begin = (...args: readonly string[]) => repository.git(args, { okExitCodes: [0, 1, 128] })
  return { ...repository, begin, read: () => readUnderWay(gitAt(repository.dir), { signal }) }
}

test('what is under way is known from what git keeps of it', async (t) => {
  const { git, begin, read } = await scene(t)
  const [main, clash, old] = (await git(['rev-parse', 'main', 'clash', 'old'])).split('\n')
  assert.equal(await read(), null)
  const none = { isSequence: false, rebase: null }
  await begin('merge', 'clash')
  assert.deepEqual(await read(), { kind: 'merge', commit: clash, ...none })
  await begin('merge', '--abort')
  await begin('cherry-pick', 'clash')
  assert.deepEqual(await read(), { kind: 'cherry-pick', commit: clash, ...none })
  await begin('cherry-pick', '--abort')
  await begin('cherry-pick', 'topic', 'clash')
  assert.deepEqual(await read(), { kind: 'cherry-pick', commit: clash, isSequence: true, rebase: null })
  await begin('cherry-pick', '--abort')
  await begin('cherry-pick', 'clash', 'topic')
  await begin('commit', '--all', '-m', 'Concluded by hand')
  assert.deepEqual(await read(), { kind: 'cherry-pick', commit: null, isSequence: true, rebase: null })
  await begin('cherry-pick', '--abort')
  await begin('reset', '-q', '--hard', main ?? '')
  await begin('revert', '--no-edit', 'old')
  assert.deepEqual(await read(), { kind: 'revert', commit: old, ...none })
  await begin('revert', '--abort')
  const state = { branch: 'main', onto: clash, origin: main, step: 1, steps: 1 }
  for (const backend of ['--merge', '--apply']) {
    await begin('rebase', backend, 'clash')
    assert.deepEqual(await read(), { kind: 'rebase', commit: main, isSequence: false, rebase: state }, backend)
    await begin('rebase', '--abort')
  }
  await git(['checkout', '-q', '--detach', 'main'])
  await begin('rebase', 'clash')
  assert.equal((await read())?.rebase?.branch, null)
  await begin('rebase', '--abort')
  await git(['format-patch', '-q', '-1', '-o', '.git/mail', 'clash'])
  await begin('am', '.git/mail/0001-Commit-4.patch')
  assert.deepEqual(await read(), { kind: 'am', commit: null, ...none })
  await begin('am', '--abort')
  assert.equal(await read(), null)
})

test('absurd state is read without harm', async (t) => {
  const { dir, read } = await scene(t)
  const at = (name: string) => join(dir, '.git/rebase-merge', name)
  await mkdir(at(''))
  await writeFile(at('head-name'), Buffer.from([0xff, 0, 0x1b]))
  await writeFile(at('onto'), '--output=x\n')
  await writeFile(at('msgnum'), '-1\n')
  await writeFile(at('end'), `${'9'.repeat(30)}\n`)
  const nothing = { branch: null, onto: null, origin: null, step: null, steps: null }
  assert.deepEqual(await read(), { kind: 'rebase', commit: null, isSequence: false, rebase: nothing })
  await writeFile(at('onto'), 'x'.repeat(1_000_000))
  await assert.rejects(read(), (error) => hasCode(error, 'output_limit'))
})

test('neither links nor pipes in the place of state are opened', async (t) => {
  const { dir, read } = await scene(t)
  await writeFile(join(dir, 'secret'), 'refs/heads/secret\n')
  await mkdir(join(dir, '.git/rebase-merge'))
  await symlink(join(dir, 'secret'), join(dir, '.git/rebase-merge/head-name'))
  await mkdir(join(dir, '.git/rebase-apply'))
  execFileSync('sh', ['-c', 'mkfifo "$0"', join(dir, '.git/rebase-apply/next')])
  assert.equal(await read(), null)
})
