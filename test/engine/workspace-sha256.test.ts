import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import type { Workspace } from '../../src/engine/contract.ts'
import { findOperation } from '../../src/git/registry.ts'
import { makeGround } from '../support/engine-repository.ts'
import { shell } from '../support/in-workspace.ts'
import { leftovers } from '../support/leftovers.ts'
import { runOperation } from '../support/operation-run.ts'
import { cleanState } from '../support/push-target.ts'
import { hermeticEnv, hermeticGit } from '../support/repository.ts'
import { lfsPointer, makeRichRepository } from '../support/rich-repository.ts'
import { people } from '../support/workspace-run.ts'

const ground = makeGround(({ dir }) => makeRichRepository(dir, { bare: true, objectFormat: 'sha256' }), {
  objectFormat: 'sha256',
})

after(() => assert.deepEqual(leftovers(ground.home), []))

/** A workspace of one generation and a full clone, in which the same is done by operations and by git. */
interface Pair {
  readonly workspace: Workspace
  readonly clone: string
  /** Runs a script of the shell in both; what they print has to be the same. */
  readonly both: (script: string) => Promise<string>
  readonly git: (...args: readonly string[]) => Promise<Buffer>
}

async function openPair(name: string): Promise<Pair> {
  const clone = `${ground.home.dir}/${name}`
  await hermeticGit(ground.home.dir, ['clone', '--quiet', ground.source.dir, clone])
  const workspace = await ground.open()
  return {
    workspace,
    clone,
    async both(script) {
      const { stdout } = await promisify(execFile)('/bin/sh', ['-c', script], { cwd: clone, env: hermeticEnv })
      assert.equal(await shell(workspace, script), stdout)
      return stdout
    },
    git: (...args) => hermeticGit(clone, args),
  }
}

/** Everything that a checkout shows. */
const look = `
git status --porcelain=v2 -z --untracked-files=all | tr '\\0' '\\n'
git ls-files --stage -z | tr '\\0' '\\n'
find . -path ./.git -prune -o -type f -print0 | sort -z | xargs -0 sha256sum -z | tr '\\0' '\\n'
find . -path ./.git -prune -o -printf '%y %m %l\\n' | sort
git for-each-ref refs/heads --format='%(refname) %(upstream)'`

/** What was committed; the moment and the committer of a merge or rebase are its own. */
const history = `git log --format='%T %an %ae %at %s' HEAD`

const change = `
echo 'changed here' >>lib/copy.txt; git mv lib/long.txt lib/moved.txt; chmod +x topic.txt; rm crlf.txt turns
ln -s nowhere turns; printf 'one\\r\\n' >'new
line'; printf '${lfsPointer.replace('12345', '54321').replaceAll('\n', '\\n')}' >big.psd`

/** Makes the same commit in both; by operations in the workspace, by git in the clone. */
async function commitChange({ workspace, both, git }: Pair): Promise<string> {
  await both(change)
  await workspace.run('add', {})
  await git('add', '--all')
  const { value } = await workspace.run('commit', { message: 'Mine\n\n# all of it\n', ...people })
  await git('commit', '--quiet', '--cleanup=verbatim', '-m', 'Mine\n\n# all of it\n')
  const { commit } = value as { commit: string }
  assert.match(commit, /^[0-9a-f]{64}$/)
  assert.equal((await git('rev-parse', 'HEAD')).toString().trim(), commit)
  return commit
}

test('a workspace of one generation is opened, changed, committed and pushed as a full clone', async () => {
  const pair = await openPair('pushed')
  await pair.both(look)
  const commit = await commitChange(pair)
  await pair.both(`${look}; git rev-parse HEAD`)
  const pushed = await pair.workspace.run('push', { branch: 'mine' })
  assert.deepEqual(pushed.value, { branch: 'mine', commit, previous: null, isTracked: true })
  assert.equal(await ground.source.git(['rev-parse', 'mine']), commit)
  await cleanState(ground.source)
  const named = await ground.engine.run('push', { repo: ground.repo, branch: 'named', commit })
  assert.deepEqual(named.value, { branch: 'named', commit, previous: null, isTracked: true })
  for (const [name, input] of [
    ['blame', { path: 'lib/moved.txt' }],
    ['blame', { path: 'lib/copy.txt' }],
    ['log', { files: true }],
  ] as const) {
    const expected = await runOperation(findOperation(name), pair.clone, input)
    assert.deepEqual((await pair.workspace.run(name, input)).value, expected, name)
  }
  await pair.workspace.close()
})

test('what was pushed since is fetched and pulled as in a full clone', async () => {
  const pair = await openPair('pulled')
  const { workspace, git, both } = pair
  await commitChange(pair)
  const topic = await ground.source.commit({ branch: 'topic', files: { 'topic.txt': 'moved on\n' } })
  const main = await ground.source.commit({ files: { 'lib/long.txt': 'rewritten\n', fresh: { executable: 'x\n' } } })
  const fetched = await workspace.run('fetch', { ref: 'topic' })
  const { commit, tracking } = fetched.value as { commit: string; tracking: string }
  assert.deepEqual([commit, tracking], [topic, 'refs/remotes/origin/topic'])
  const pulled = await workspace.run('pull', {})
  await git('pull', '--quiet', '--no-rebase')
  const {
    outcome,
    fetched: tip,
    conflicts,
  } = pulled.value as { outcome: string; fetched: string; conflicts: unknown[] }
  assert.deepEqual([outcome, tip, conflicts.length], ['merged', main, 0])
  // The change of the file that was moved here is in the moved one.
  assert.match(await both(`${look}; git log -1 --format='%T %P'; cat lib/moved.txt`), /\nrewritten\n$/)
  await workspace.close()
})

test('commits are rebased as in a full clone', async () => {
  const pair = await openPair('rebased')
  const { workspace, git, both } = pair
  await commitChange(pair)
  await ground.source.commit({ branch: 'topic', files: { 'elsewhere.txt': 'topic\n' } })
  await workspace.run('fetch', { ref: 'topic' })
  await git('fetch', '--quiet')
  const { value } = await workspace.run('rebase', { onto: 'origin/topic' })
  await git('rebase', '--quiet', 'origin/topic')
  const { outcome, applied } = value as { outcome: string; applied: number }
  assert.deepEqual([outcome, applied], ['rebased', Number(await both('git rev-list --count origin/topic..HEAD'))])
  await both(`${look}; ${history}`)
  await workspace.close()
})
