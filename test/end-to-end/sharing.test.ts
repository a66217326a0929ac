import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { finish } from '../../src/core/exec.ts'
import type { Engine } from '../../src/engine/contract.ts'
import { makeHome } from '../support/engine-home.ts'
import { startGitServer, type GitServer } from '../support/git-server.ts'
import { leftovers } from '../support/leftovers.ts'
import { makeRepository } from '../support/repository.ts'

const home = makeHome()
let server: GitServer
let engine: Engine
let count = 0
let repo: string
let tip: string

before(async () => {
  server = await startGitServer({ root: home.dir })
  engine = await home.open()
})
after(() => server.close())

beforeEach(async () => {
  count += 1
  const source = await makeRepository(`${home.dir}/cold${count}.git`, { bare: true })
  await source.commit({ files: { a: 'a\n', 'b/c': 'c\n' } })
  tip = await source.commit({ files: { a: 'b\n' } })
  repo = server.url(`cold${count}`)
  server.fault = null
  server.delayMs = 0
  server.forgetRequests()
})

/** Resolves when the server has been asked for packs so many times. */
async function fetches(times: number): Promise<void> {
  while (server.count('fetch') < times) await new Promise((resolve) => setImmediate(resolve))
}

test('20 processes at once on a repository that nobody has seen make one clone and 20 right answers', async () => {
  const ends = await Promise.all(Array.from({ length: 20 }, () => home.forkyard(['log', repo, '--limit=5', '--json'])))
  for (const { code, stdout, stderr } of ends) {
    assert.deepEqual([code, stderr], [0, ''])
    const { value, receipt } = JSON.parse(stdout) as {
      value: { commits: { id: string }[] }
      receipt: { commit: string }
    }
    assert.deepEqual([value.commits.length, value.commits[0]?.id, receipt.commit], [2, tip, tip])
  }
  assert.equal(server.count('fetch'), 1)
  assert.deepEqual(leftovers(home), [])
})

test('ten equal requests in one engine share one fetch, and different ones wait for its image', async () => {
  const equal = Array.from({ length: 10 }, () => engine.run('read-file', { repo, path: 'a' }))
  const answers = await Promise.all(equal)
  for (const { value } of answers) assert.equal((value as { content: string }).content, 'b\n')
  // One for commits and trees, one for the content.
  assert(server.count('fetch') <= 2, `${server.count('fetch')} fetches`)
  server.forgetRequests()
  const programs = Array.from({ length: 5 }, async () => {
    const { running, receipt } = await engine.exec({ repo, argv: ['cat', 'a'] })
    const { stdout } = await finish(running)
    await receipt
    return stdout.toString()
  })
  assert.deepEqual(await Promise.all(programs), Array(5).fill('b\n'))
  assert.equal(server.count('fetch'), 1)
})

test('neither a caller that leaves nor the deadline of the first ends the work of the others', async () => {
  server.delayMs = 300
  const leaving = new AbortController()
  const hurried = assert.rejects(engine.run('log', { repo, deadlineMs: 700 }), { code: 'deadline_exceeded' })
  const left = assert.rejects(engine.run('log', { repo }, { signal: leaving.signal }), { code: 'canceled' })
  const patient = engine.run('log', { repo })
  await fetches(1)
  leaving.abort()
  await Promise.all([left, hurried])
  assert.equal((await patient).receipt.commit, tip)
  assert.equal(server.count('fetch'), 1)
})

test('when the last caller has left, the fetch is gone: connection, processes and claims', async () => {
  server.fault = { kind: 'stall', at: 'pack' }
  const leaving = new AbortController()
  const both = [1, 2].map(() =>
    assert.rejects(engine.run('log', { repo }, { signal: leaving.signal }), { code: 'canceled' }),
  )
  await fetches(1)
  leaving.abort()
  await Promise.all(both)
  assert.deepEqual(leftovers(home), [])
})

test('an image dropped under a request is made again', async () => {
  await engine.run('log', { repo })
  const other = await home.open()
  for (const { id } of await other.images()) await other.drop(id)
  const { receipt } = await engine.run('read-file', { repo, path: 'b/c' })
  assert.equal(receipt.tier, 'clone')
  assert.deepEqual(leftovers(home), [])
})
