import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { after, before } from 'node:test'
import type { ErrorCode } from '../../src/core/errors.ts'
import { cleanStderr, failureRules, gitFailure, isIncomplete, type GitEnd } from '../../src/git/failure.ts'
import { startGitServer, type GitServer } from '../support/git-server.ts'
import { hermeticEnv, makeRepository, type Repository } from '../support/repository.ts'
import { scratchDir } from '../support/operation-run.ts'

const absent = 'b'.repeat(40)
let root: string
let repository: Repository
let server: GitServer
const cleanUps: (() => Promise<void>)[] = []

before(async () => {
  root = await scratchDir({ after: (fn) => void cleanUps.push(fn as () => Promise<void>) })
  repository = await makeRepository(join(root, 'repo'))
  await repository.commit({ files: { a: 'one\n', b: 'two\n' } })
  await repository.git(['config', 'uploadpack.allowFilter', 'true'])
  await repository.git(['clone', '-q', '--bare', '--filter=blob:none', `file://${root}/repo`, '../partial'])
  await makeRepository(join(root, 'empty'))
  server = await startGitServer({ root })
})

after(async () => {
  await server.close()
  for (const cleanUp of cleanUps) await cleanUp()
})

// How the shell ends a command line in which git fails, with the words that git said.
function ended(script: string, options: { cwd?: string; env?: Record<string, string> } = {}): Promise<GitEnd> {
  const env = { ...hermeticEnv, LC_ALL: 'C', GIT_NO_LAZY_FETCH: '1', ...options.env }
  return new Promise((resolve) => {
    const cwd = options.cwd ?? join(root, 'repo')
    execFile('sh', ['-c', script], { cwd, env, encoding: 'utf8' }, (error, _stdout, stderr) => {
      resolve({ subcommand: 'probe', exitCode: Number(error?.code ?? 0), stderr })
    })
  })
}

const seen = new Set<RegExp>()

async function expectCode(
  code: ErrorCode,
  script: string,
  options: { cwd?: string; env?: Record<string, string> } = {},
) {
  const end = await ended(script, options)
  assert.notEqual(end.exitCode, 0, script)
  assert.equal(gitFailure(end).code, code, `${script}: ${end.stderr}`)
  const rule = failureRules.find(({ pattern }) => pattern.test(end.stderr))
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

test('network failures have the code of their cause', async () => {
  const url = server.url('repo')
  const fetch = `git -c http.followRedirects=false fetch ${url}`
  const statuses = {
    401: 'auth_required',
    403: 'access_denied',
    404: 'repo_not_found',
    500: 'remote_failed',
    429: 'remote_failed',
  } as const
  for (const [status, code] of Object.entries(statuses)) {
    server.fault = { kind: 'status', status: Number(status) }
    await expectCode(code, fetch)
  }
  server.fault = { kind: 'redirect', to: server.url('elsewhere').replace('/elsewhere', ''), on: 'GET' }
  await expectCode('remote_redirected', fetch)
  server.fault = { kind: 'advertisement', body: '001e# service=git-upload-pack\nzzzz' }
  await expectCode('remote_invalid', fetch)
  server.fault = { kind: 'cut-pack', afterBytes: 30 }
  await expectCode('remote_failed', fetch, { cwd: join(root, 'empty') })
  server.fault = { kind: 'not-our-ref' }
  await expectCode('commit_not_found', `${fetch} ${absent}`)
  server.fault = null
  await expectCode('ref_not_found', `${fetch} refs/heads/nope`)
  await expectCode('remote_unreachable', 'git fetch http://127.0.0.1:1/x')
  await expectCode('host_unknown', 'git fetch http://no-such-host.invalid/x')
  await expectCode('repo_not_found', 'git fetch file:///nonexistent/x')
  await expectCode('url_invalid', 'git fetch ext::true', { env: { GIT_ALLOW_PROTOCOL: 'https' } })
  server.fault = { kind: 'stall', at: 'start' }
  await expectCode('remote_timeout', `git -c http.lowSpeedLimit=1000 -c http.lowSpeedTime=1 fetch ${url}`)
  server.fault = null
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

test('the words of a server do not choose the code', () => {
  const stderr = 'remote: No space left on device\nfatal: something else\n'
  assert.equal(gitFailure({ subcommand: 'fetch', exitCode: 128, stderr }).code, 'git_failed')
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
