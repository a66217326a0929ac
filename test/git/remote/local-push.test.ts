import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { hasCode } from '../../../src/core/errors.ts'
import { localRemote } from '../../../src/git/remote/local-remote.ts'
import type { PushOptions } from '../../../src/git/remote/push-options.ts'
import { describePushes } from '../../support/push-cases.ts'
import { describePushedPacks } from '../../support/push-pack-cases.ts'
import { addHook, eventually, packFor, pushOptions, type PushTarget } from '../../support/push-target.ts'
import { makeRepository, type Repository } from '../../support/repository.ts'
import { scratchPlace } from '../../support/scratch-place.ts'

async function sameMachine(root: string): Promise<PushTarget> {
  return {
    root,
    open: (name) => localRemote({ kind: 'local', path: join(root, name), key: name }),
    close: async () => {},
  }
}

describePushes('a repository of the same machine', sameMachine)
describePushedPacks('a repository of the same machine', sameMachine)

let root: string
let work: Repository
let oid: string

before(async () => {
  root = await mkdtemp(join(scratchPlace, 'forkyard-local-push-'))
  work = await makeRepository(join(root, 'work'))
  oid = await work.commit({ files: { a: '1' } })
})

after(async () => await rm(root, { recursive: true }))

async function served(name: string): Promise<Repository> {
  const bare = await makeRepository(join(root, name), { bare: true })
  await bare.git(['config', 'core.hooksPath', `${bare.dir}/hooks`])
  return bare
}

function push(path: string, options: Partial<PushOptions> = {}) {
  const remote = localRemote({ kind: 'local', path, key: path })
  return remote.push(pushOptions({ oid, ...options }), async (ground) => packFor(work, oid, ground))
}

test('what is not a repository is repo_not_found', async () => {
  await writeFile(join(root, 'file'), 'x')
  for (const path of [join(root, 'missing'), root, join(root, 'file'), '/dev/null'])
    await assert.rejects(push(path), (error) => hasCode(error, 'repo_not_found'), path)
})

test('a hook has a home, a name and a path, and nothing of what this process was started with', async (t) => {
  process.env['FORKYARD_GIT_AUTHORIZATION'] = 'Basic c2VjcmV0'
  t.after(() => delete process.env['FORKYARD_GIT_AUTHORIZATION'])
  const bare = await served('environment.git')
  await addHook(bare, 'post-receive', 'env')
  const { said } = await push(bare.dir)
  const names = said.map((line) => line.slice(0, line.indexOf('='))).filter((name) => !name.startsWith('GIT_'))
  // The shell adds its own.
  const expected = ['HOME', 'LC_ALL', 'LOGNAME', 'PATH', 'USER']
  assert.deepEqual(names.filter((name) => name !== '_' && name !== 'PWD').toSorted(), expected)
  assert(said.includes(`HOME=${userInfo().homedir}`))
})

test('a worktree that wants to follow its branch does', async () => {
  const checkedOut = await makeRepository(join(root, 'checked-out'))
  await checkedOut.git(['fetch', '--quiet', '--update-head-ok', work.dir, 'main:main'])
  await checkedOut.checkout()
  await checkedOut.git(['config', 'receive.denyCurrentBranch', 'updateInstead'])
  const next = await work.commit({ files: { a: '2' } })
  const remote = localRemote({ kind: 'local', path: checkedOut.dir, key: '' })
  const pushed = await remote.push(pushOptions({ oid: next }), async (ground) => packFor(work, next, ground))
  assert.equal(pushed.outcome, 'updated')
  assert.equal(await readFile(join(checkedOut.dir, 'a'), 'utf8'), '2')
})

test('an abort ends git and its hooks, also those that do not want to', async () => {
  const bare = await served('stubborn.git')
  const started = join(root, 'started')
  // Twice: the second is not the hook itself.
  const stubborn = `trap '' TERM; echo $$ >${started}.new; mv ${started}.new ${started}; tail -f /dev/null`
  await addHook(bare, 'pre-receive', `cat >/dev/null; ${stubborn} & wait`)
  const caller = new AbortController()
  const refused = assert.rejects(push(bare.dir, { signal: caller.signal }), (error) => hasCode(error, 'canceled'))
  await eventually(() => readFile(started))
  assert.notDeepEqual(await processesNaming(bare.dir), [])
  caller.abort()
  await refused
  await eventually(async () => assert.deepEqual(await processesNaming(bare.dir), []))
})

/** Processes that name a path or stand in it; those that have ended and only wait to be looked at are none. */
async function processesNaming(path: string): Promise<readonly string[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(
    ids.map(async (id) => {
      const words = await readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')
      const place = await readlink(`/proc/${id}/cwd`).catch(() => '')
      return words !== '' && (words.includes(path) || place === path) ? [words] : []
    }),
  )
  return found.flat()
}
