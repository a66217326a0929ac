import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { finish, type Finished } from '../../src/core/exec.ts'
import type { Engine, Receipt } from '../../src/engine/contract.ts'
import { makeHome } from '../support/engine-home.ts'
import { startGitServer, type GitServer } from '../support/git-server.ts'
import { leftovers } from '../support/leftovers.ts'
import { makeRepository, type Repository } from '../support/repository.ts'

const home = makeHome()
let server: GitServer
let engine: Engine
let source: Repository
let repo: string

before(async () => {
  source = await makeRepository(`${home.dir}/programs.git`, { bare: true })
  await source.commit({
    files: {
      'README.md': '# Programs\n',
      'bin/tool': { executable: '#!/bin/sh\necho tool "$@"\n' },
      'lib/a.txt': 'a\n',
    },
  })
  await source.branch('topic/deep', 'main')
  await source.tag('v1', { message: 'One' })
  server = await startGitServer({ root: home.dir })
  repo = server.url('programs')
  engine = await home.open()
})
after(() => server.close())

async function run(
  argv: readonly string[],
  more: Record<string, unknown> = {},
): Promise<Finished & { receipt: Receipt }> {
  const { running, receipt } = await engine.exec({ repo, argv, ...more })
  const finished = await finish(running)
  return { ...finished, receipt: await receipt }
}

const shell = (script: string, more: Record<string, unknown> = {}) => run(['sh', '-c', script], more)

test('a program gets its arguments as they are, and its exit code, streams and bytes come back', async () => {
  const awkward = ['', ' ', '-n', '--', '$(id)', 'a\nb', '"', "'", '\\', 'é', '*']
  const { code, stdout } = await run(['sh', '-c', 'printf "%s\\0" "$@"', 'sh', ...awkward])
  assert.deepEqual([code, stdout.toString().split('\0').slice(0, -1)], [0, awkward])
  const mixed = await shell('printf out; printf err >&2; exit 7')
  assert.deepEqual([mixed.code, mixed.stdout.toString(), mixed.stderr.toString()], [7, 'out', 'err'])
  const bytes = await shell("printf '\\000\\377\\n\\200'")
  assert.deepEqual(bytes.stdout, Buffer.from([0, 0xff, 0x0a, 0x80]))
})

test('a signal is 128 + n with its name; a program that is not there is 127, one that cannot be run 126', async () => {
  const killed = await shell('kill -TERM $$')
  assert.deepEqual([killed.code, killed.signal], [143, 'SIGTERM'])
  assert.equal((await run(['no-such-program'])).code, 127)
  assert.equal((await run(['./README.md'])).code, 126)
})

test('stdin is empty, and output of any size passes', async () => {
  const { code, stdout } = await shell('cat; head -c 5000000 /dev/zero')
  assert.deepEqual([code, stdout.length], [0, 5_000_000])
})

test('git in the fork is on the branch with its upstream, or detached, and clean', async () => {
  const look = 'git status --porcelain=v2 --branch; git rev-parse --abbrev-ref HEAD; git remote get-url origin'
  const id = await source.git(['rev-parse', 'main'])
  const onBranch = (name: string) =>
    `# branch.oid ${id}\n# branch.head ${name}\n# branch.upstream origin/${name}\n# branch.ab +0 -0\n${name}\n${repo}\n`
  assert.equal((await shell(look)).stdout.toString(), onBranch('main'))
  assert.equal((await shell(look, { ref: 'topic/deep' })).stdout.toString(), onBranch('topic/deep'))
  assert.equal((await shell(look, { ref: 'refs/heads/topic/deep' })).stdout.toString(), onBranch('topic/deep'))
  const detached = `# branch.oid ${id}\n# branch.head (detached)\nHEAD\n${repo}\n`
  for (const ref of ['v1', id]) assert.equal((await shell(look, { ref })).stdout.toString(), detached, ref)
  assert.equal((await shell('git describe', { ref: 'v1' })).stdout.toString(), 'v1\n')
  assert.equal(
    (
      await shell('git for-each-ref --format="%(refname)" refs/heads refs/remotes refs/tags', { ref: 'v1' })
    ).stdout.toString(),
    'refs/tags/v1\n',
  )
})

test('a fork is thrown away: the next one knows nothing of what was done in it', async () => {
  const script = 'echo changed > README.md; rm -r bin; git add -A; git commit -qm gone; git log --format=%s | head -1'
  assert.equal((await shell(script)).stdout.toString(), 'gone\n')
  const { stdout } = await shell('cat README.md; bin/tool here; git log --format=%s; ls -A /tmp /home')
  assert.equal(stdout.toString(), '# Programs\ntool here\nCommit 1\n/home:\n\n/tmp:\n')
})

test('a program has no network, and no way to the repository it came from', async () => {
  const { stdout } = await shell('cat /proc/net/dev | grep -c :; git ls-remote origin 2>&1; echo $?')
  const [devices, ...said] = stdout.toString().trim().split('\n')
  assert.equal(devices, '1')
  assert.equal(said.at(-1), '128')
  server.forgetRequests()
  await shell(`git -c protocol.http.allow=always ls-remote ${repo}; git -c protocol.http.allow=always fetch origin`)
  assert.equal(server.count('fetch'), 0)
  assert.equal(server.requests.filter(({ headers }) => headers['user-agent']?.includes('forkyard') !== true).length, 0)
})

test('a program that outlives its deadline ends with all it started', async () => {
  const { running, receipt } = await engine.exec({
    repo,
    argv: ['sh', '-c', 'sleep 1000 & sleep 1000'],
    deadlineMs: 1500,
  })
  await assert.rejects(finish(running), { code: 'deadline_exceeded' })
  await assert.rejects(receipt, { code: 'deadline_exceeded' })
  assert.deepEqual(leftovers(home), [])
})

test('a caller that leaves ends the program', async () => {
  const leaving = new AbortController()
  const { running, receipt } = await engine.exec(
    { repo, argv: ['sh', '-c', 'echo on; sleep 1000'] },
    { signal: leaving.signal },
  )
  receipt.catch(() => {})
  await assert.rejects(
    (async () => {
      for await (const chunk of running.stdout) if (chunk.length > 0) leaving.abort()
    })(),
    { code: 'canceled' },
  )
  await assert.rejects(receipt, { code: 'canceled' })
  assert.deepEqual(leftovers(home), [])
})

test('a cone holds its directories and the files beside them, whatever others have asked for before', async () => {
  for (const tier of ['clone', 'image']) {
    const { stdout, receipt } = await shell('find . -path ./.git -prune -o -type f -print; git status --porcelain', {
      cone: ['bin'],
    })
    assert.deepEqual(stdout.toString().trim().split('\n').toSorted(), ['./README.md', './bin/tool'])
    assert.equal(receipt.tier, tier)
  }
})

test('the second run asks the server for refs and fetches nothing', async () => {
  server.forgetRequests()
  const { receipt } = await run(['true'])
  assert.deepEqual(
    [receipt.tier, receipt.bytesFetched, server.count('fetch'), server.count('ls-refs')],
    ['image', 0, 0, 1],
  )
  assert.deepEqual(receipt.plan.length, 1)
  assert.deepEqual(
    receipt.phases.map(({ name }) => name).filter((name) => name === 'fetch'),
    [],
  )
  assert.match(receipt.correlationId, /^[0-9a-f]{32}$/)
})

test('malformed requests are input_invalid and make nothing', async () => {
  for (const more of [
    { argv: [] },
    { argv: ['a\0b'] },
    { argv: ['a'], cone: ['../x'] },
    { argv: ['a'], cone: ['/x'] },
    { argv: ['a'], network: 'host' },
  ])
    await assert.rejects(engine.exec({ repo, ...more }), { code: 'input_invalid' }, JSON.stringify(more))
  assert.deepEqual(leftovers(home), [])
})

test('programs that Debian reaches by its alternatives are there', async () => {
  const { running, receipt } = await engine.exec({ repo, argv: ['sh', '-c', 'awk "BEGIN { print 6 * 7 }"'] })
  const { code, stdout } = await finish(running)
  assert.deepEqual([code, stdout.toString()], [0, '42\n'])
  await receipt
})
