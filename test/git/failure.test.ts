import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { after, before } from 'node:test'
import type { ErrorCode } from '../../src/core/errors.ts'
import { cleanStderr, failureRules, gitFailure, isIncomplete, type GitEnd } from '../../src/git/failure.ts'
import { hermeticEnv, makeRepository, type Repository } from '../support/repository.ts'
import { scratchDir } from '../support/operation-run.ts'

const absent = 'b'.repeat(40)
let root: string
let repository: Repository
const cleanUps: (() => Promise<void>)[] = []

before(async () => {
  root = await scratchDir({ after: (fn) => void cleanUps.push(fn as () => Promise<void>) })
  repository = await makeRepository(join(root, 'repo'))
  await repository.commit({ files: { a: 'one\n', b: 'two\n' } })
  await repository.git(['config', 'uploadpack.allowFilter', 'true'])
  await repository.git(['clone', '-q', '--bare', '--filter=blob:none', `file://${root}/repo`, '../partial'])
  await makeRepository(join(root, 'empty'))
})

after(async () => {
  for (const cleanUp of cleanUps) await cleanUp()
})

interface ProbeOptions {
  readonly cwd?: string
  readonly env?: Record<string, string>
  readonly subcommand?: string
}

// How the shell ends a command line in which git fails, with the words that git said.
function ended(script: string, options: ProbeOptions = {}): Promise<GitEnd> {
  const env = { ...hermeticEnv, LC_ALL: 'C', GIT_NO_LAZY_FETCH: '1', ...options.env }
  return new Promise((resolve) => {
    const cwd = options.cwd ?? join(root, 'repo')
    execFile('sh', ['-c', script], { cwd, env, encoding: 'utf8' }, (error, _stdout, stderr) => {
      resolve({ subcommand: options.subcommand ?? 'probe', exitCode: Number(error?.code ?? 0), stderr })
    })
  })
}

const seen = new Set<RegExp>()

async function expectCode(code: ErrorCode, script: string, options: ProbeOptions = {}) {
  const end = await ended(script, options)
  assert.notEqual(end.exitCode, 0, script)
  assert.equal(gitFailure(end).code, code, `${script}: ${end.stderr}`)
  const rule = failureRules.find(
    ({ pattern, subcommands = [end.subcommand] }) => subcommands.includes(end.subcommand) && pattern.test(end.stderr),
  )
  if (rule !== undefined) seen.add(rule.pattern)
}

test('what the working copy lacks is told apart', async () => {
  const partial = { cwd: join(root, 'partial') }
  for (const command of [
    'grep one HEAD',
    'diff-tree -p --root HEAD',
    'cat-file -p HEAD:a',
    'ls-tree -l HEAD',
    'blame HEAD -- a',
  ]) {
    await expectCode('objects_missing', `git ${command}`, partial)
  }
  const end = await ended('git cat-file -p HEAD:a', partial)
  assert.deepEqual(gitFailure(end).details['oids'], [await repository.git(['rev-parse', 'HEAD:a'])])
  for (const command of [`log ${absent}`, `blame ${absent} -- a`, `grep x ${absent}`, `merge-base HEAD ${absent}`]) {
    await expectCode('commit_not_found', `git ${command}`)
  }
  for (const command of [`diff-tree -r HEAD ${absent}`, `cat-file commit ${absent}`]) {
    await expectCode('commit_not_found', `git ${command}`)
  }
})

test('a lost object of a copy without a promisor counts as missing', async (t) => {
  const dir = await scratchDir(t)
  const lossy = await makeRepository(dir)
  await lossy.commit({ files: { a: 'lost\n' } })
  const blob = await lossy.git(['rev-parse', 'HEAD:a'])
  const tree = await lossy.git(['rev-parse', 'HEAD^{tree}'])
  await rm(join(dir, '.git/objects', blob.slice(0, 2), blob.slice(2)))
  // Grep passes over what it cannot read, and exits well.
  assert.ok(isIncomplete((await ended('git grep lost HEAD', { cwd: dir })).stderr))
  await rm(join(dir, '.git/objects', tree.slice(0, 2), tree.slice(2)))
  for (const command of ['log --raw --root HEAD', 'ls-tree HEAD', 'grep x HEAD']) {
    await expectCode('objects_missing', `git ${command}`, { cwd: dir })
  }
})

test('paths, refs, tags, empty repositories and refused values have codes', async () => {
  await expectCode('path_not_found', 'git blame HEAD -- nope')
  await expectCode('path_not_found', 'git checkout HEAD -- nope')
  await expectCode('ref_not_found', 'git describe HEAD')
  await expectCode('repo_empty', 'git log', { cwd: join(root, 'empty') })
  await expectCode('input_invalid', 'git blame -L 400,500 HEAD -- a')
  await expectCode('input_invalid', "git grep --extended-regexp -e'(' HEAD")
  await expectCode('input_invalid', "git grep --extended-regexp -e'[[:x:]]' HEAD")
  await expectCode('input_invalid', "git grep --perl-regexp -e'(' HEAD")
})

test('locks of other programs are told, whichever it is', async (t) => {
  const cwd = await scratchDir(t)
  const other = await makeRepository(cwd)
  await other.commit({ files: { a: '' } })
  await other.checkout()
  const commit = 'git -c user.name=a -c user.email=a@b commit --allow-empty -m x'
  await expectCode('workspace_busy', 'touch .git/index.lock; git add a', { cwd })
  await expectCode('workspace_busy', `rm .git/index.lock; touch .git/HEAD.lock; ${commit}`, { cwd })
  await expectCode('workspace_busy', 'rm .git/HEAD.lock; touch .git/packed-refs.lock; git pack-refs --all', { cwd })
})

test('what the state of a working copy forbids is told apart', async (t) => {
  const cwd = await scratchDir(t)
  const other = await makeRepository(cwd)
  const base = await other.commit({ files: { a: '1\n' } })
  const ours = await other.commit({ files: { a: '2\n' } })
  await other.commit({ branch: 'topic', parents: [base], files: { a: '3\n' } })
  await other.checkout()
  await expectCode('path_not_found', "git add 'no\nwhere'", { cwd })
  await expectCode('worktree_dirty', 'echo dirty > a; git checkout topic', { cwd })
  await expectCode('worktree_dirty', 'git rm -q --cached a; git commit -qm x; git checkout topic', { cwd })
  await other.git(['reset', '--hard', 'topic~1'])
  const patch = 'diff --git a/a b/a\\n--- a/a\\n+++ b/a\\n@@ -1 +1 @@\\n-9\\n+8\\n'
  await expectCode('patch_rejected', `printf '${patch}' | git apply`, { cwd, subcommand: 'apply' })
  await expectCode('git_failed', `printf '${patch}' | git apply`, { cwd, subcommand: 'other' })
  await expectCode('path_blocked', 'ln -s . link; git add link/a', { cwd })
  await expectCode('path_blocked', 'git init -q sub; git add sub', { cwd })
  await other.git(['reset', '--hard', ours])
  await other.git(['merge', 'topic'], { okExitCodes: [1] })
  await expectCode('conflicts_unresolved', 'git restore a', { cwd })
  await expectCode('already_in_progress', 'git reset --soft', { cwd })
})

test('resources that ran out are told apart', async () => {
  await expectCode('disk_limit', 'git log > /dev/full')
  await writeFile(join(root, 'large'), Buffer.alloc(3_000_000, 'x'))
  await expectCode('disk_limit', 'trap "" XFSZ; ulimit -f 1; git hash-object -w ../large')
  await expectCode('memory_limit', 'truncate -s 200M ../huge; ulimit -v 100000; git hash-object --no-filters ../huge')
})

test('a repository of another owner is refused', async () => {
  const env = { GIT_TEST_ASSUME_DIFFERENT_OWNER: '1' }
  await expectCode('host_unable', 'git status', { env })
})

test('what a server sent and git does not take in is told apart', async (t) => {
  const cwd = await scratchDir(t)
  const { git, gitBytes } = await makeRepository(cwd)
  const pack = await repository.gitBytes(['pack-objects', '--all', '--stdout', '-q'])
  const take = async (code: ErrorCode, bytes: Buffer) => {
    await writeFile(join(cwd, 'pack'), bytes)
    await expectCode(code, 'git index-pack --stdin --strict < pack', { cwd, subcommand: 'index-pack' })
  }
  await take('remote_failed', Buffer.alloc(0))
  await take('remote_failed', pack.subarray(0, -3))
  await take('remote_invalid', Buffer.from('<html>'.repeat(20)))
  await take('remote_invalid', Buffer.concat([pack.subarray(0, -20), Buffer.alloc(20)]))
  const text = (await repository.git(['cat-file', 'commit', 'HEAD'])).replace(/^author.*$/m, 'author nobody')
  const hash = ['hash-object', '-w', '-t', 'commit', '--literally', '--stdin']
  const bad = await git(hash, { input: `${text}\n` })
  await take('remote_invalid', await gitBytes(['pack-objects', '--stdout', '-q'], { input: bad }))
  await expectCode('remote_invalid', 'git fsck', { cwd, subcommand: 'fsck' })
  await expectCode('git_failed', 'git index-pack --stdin < /dev/null', { cwd })
})

test('what a workspace is in is told apart', async (t) => {
  const dir = await scratchDir(t)
  const { commit, git } = await makeRepository(join(dir, 'repo'))
  const at = { cwd: join(dir, 'repo') }
  const base = await commit({ files: { a: '1\n', 'd/b': '1\n' } })
  await commit({ files: { a: '2\n' } })
  await commit({ branch: 'clash', parents: [base], files: { a: '3\n', new: 'x\n', d: 'a file\n' }, delete: ['d/b'] })
  await commit({ branch: 'gone', parents: [base], delete: ['a'] })
  await commit({ branch: 'side', parents: [base], files: { side: 'x\n' } })
  await git(['reset', '-q', '--hard'])
  await expectCode('ref_exists', 'git update-ref refs/heads/main/x HEAD', at)
  await expectCode('branch_in_use', 'git worktree add -q ../other -b other && git checkout other', at)
  await expectCode('worktree_dirty', 'echo mine > a; git checkout clash', at)
  await expectCode('worktree_dirty', 'git merge clash', at)
  await expectCode('worktree_dirty', 'git cherry-pick --no-commit clash', at)
  await expectCode('worktree_dirty', 'git add a; git cherry-pick clash', at)
  await expectCode('worktree_dirty', 'git reset -q --hard; echo mine > new; git checkout clash', at)
  await expectCode('worktree_dirty', 'git rm -q --cached a; git checkout gone', at)
  await expectCode('worktree_dirty', 'git reset -q --hard; rm new; echo x > d/mine; git checkout clash', at)
  await expectCode('worktree_dirty', 'rm d/mine; echo mine > a; git read-tree -m -u HEAD clash', at)
  await expectCode('conflicts_unresolved', 'git reset -q --hard; git merge clash; git merge gone', at)
  await expectCode('conflicts_unresolved', 'git cherry-pick gone', at)
  await expectCode('conflicts_unresolved', 'git checkout gone', at)
  await expectCode('conflicts_unresolved', 'git commit -m x', at)
  await expectCode('workspace_busy', 'git reset -q --hard; touch .git/index.lock; git merge side', at)
})

test('every rule was met above, but the one that needs a process limit', () => {
  const unseen = failureRules.filter(({ pattern }) => !seen.has(pattern)).map(({ code }) => code)
  assert.deepEqual(unseen, ['process_limit'])
})

test('a process limit is told by what git says', () => {
  for (const stderr of [
    'error: cannot fork() for x: Resource temporarily unavailable',
    'fatal: unable to create thread: Resource temporarily unavailable',
  ]) {
    assert.equal(gitFailure({ subcommand: 'x', exitCode: 128, stderr }).code, 'process_limit')
  }
})

test('whatever is not known is git_failed, with a tail fit to be shown', () => {
  const stderr = `fatal: odd \u001b[2J\r\u202e https://user:p@ss@host/x?y ${'z'.repeat(3000)} end\n`
  const error = gitFailure({ subcommand: 'log', exitCode: 3, stderr })
  assert.equal(error.code, 'git_failed')
  assert.equal(error.message, 'Cannot run git log: exit code 3')
  const tail = String(error.details['stderr'])
  assert.ok(tail.length <= 2000 && tail.endsWith(' end'))
  assert.equal(cleanStderr('a\u001b[1m\r\u009b\u202eb\nhttps://user:p@ss@host/x'), 'a?[1m???b\nhttps://host/x')
})
