import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { hasCode } from '../../src/core/errors.ts'
import type { Engine } from '../../src/engine/contract.ts'
import { makeHome } from '../support/engine-home.ts'
import { startGitServer, type GitServer } from '../support/git-server.ts'
import { leftovers } from '../support/leftovers.ts'
import { makeRepository, openRepository, type Repository } from '../support/repository.ts'

const home = makeHome()
let server: GitServer
let engine: Engine
let source: Repository
let repo: string
let count = 0

before(async () => {
  server = await startGitServer({ root: home.dir })
  engine = await home.open()
})
after(() => server.close())

beforeEach(async () => {
  count += 1
  source = await makeRepository(`${home.dir}/shared${count}.git`, { bare: true })
  const files = Object.fromEntries(['one', 'two', 'three'].map((name) => [`${name}.txt`, `words of ${name}\n`]))
  await source.commit({ files })
  await source.commit({ files: { 'one.txt': 'other words of one\n' } })
  repo = server.url(`shared${count}`)
  server.fault = null
  server.forgetRequests()
})

test('requests for different paths at once on a repository nobody has seen all find their contents', async () => {
  const paths = ['one.txt', 'two.txt', 'three.txt']
  const answers = await Promise.all(paths.map((path) => engine.run('grep', { repo, pattern: 'words', paths: [path] })))
  for (const [index, { value }] of answers.entries()) {
    const { lines } = value as { lines: { path: string }[] }
    assert.deepEqual(
      lines.map(({ path }) => path),
      [paths[index]],
    )
  }
})

test('what one caller does to an answer changes no later answer', async () => {
  const first = await engine.run('log', { repo })
  assert.throws(() => void ((first.value as { commits: unknown[] }).commits.length = 0), TypeError)
  const second = await engine.run('log', { repo })
  assert.equal(second.receipt.tier, 'result')
  assert.equal((second.value as { commits: unknown[] }).commits.length, 2)
})

test('a server that knows the repository only with ".git" is fetched from there', async () => {
  await engine.run('log', { repo, limit: 1 })
  server.forgetRequests()
  // The question for refs and the introduction; git then must not go where nothing is.
  server.fault = { kind: 'status', status: 404, times: 2 }
  const newcomer = await home.open()
  const { value } = await newcomer.run('grep', { repo, pattern: 'words' })
  assert.equal((value as { matches: number }).matches, 3)
  const fetched = server.requests.filter(({ command }) => command === 'fetch').map(({ path }) => path)
  assert.deepEqual(fetched, [`/shared${count}.git/git-upload-pack`])
})

test('a shallow clone as a source is never taken for the whole history', async () => {
  const shallow = `${home.dir}/shallow${count}`
  await source.git(['clone', '--quiet', '--bare', '--depth=1', `file://${source.dir}`, shallow])
  await openRepository(shallow).git(['config', 'safe.directory', '*'])
  const { value } = await engine.run('log', { repo: shallow, limit: 1 }).catch((error: unknown) => {
    // Its parents cannot be told from here, which is said, not made up.
    assert(hasCode(error, 'history_incomplete'), String(error))
    return { value: null }
  })
  if (value !== null) assert.equal((value as { commits: unknown[] }).commits.length, 1)
  await assert.rejects(engine.run('blame', { repo: shallow, path: 'one.txt' }), (error) =>
    hasCode(error, 'history_incomplete'),
  )
  assert.deepEqual(leftovers(home), [])
})

test('closing an engine ends a program whose output nobody goes on reading', async () => {
  const mortal = await home.open()
  const { running, receipt } = await mortal.exec({ repo, argv: ['yes'] })
  const reader = running.stdout[Symbol.asyncIterator]()
  assert.equal((await reader.next()).done, false)
  receipt.catch(() => {})
  await mortal.close()
  await assert.rejects(receipt, (error) => hasCode(error, 'sandbox_lost'))
})
