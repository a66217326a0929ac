import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { withCorrelation } from '../../src/core/correlation.ts'
import { finish } from '../../src/core/exec.ts'
import type { Engine, Receipt } from '../../src/engine/contract.ts'
import { makeHome } from '../support/engine-home.ts'
import { startGitServer, type GitServer } from '../support/git-server.ts'
import { makeRepository } from '../support/repository.ts'
import { lfsPointer, makeRichRepository, type RichRepository } from '../support/rich-repository.ts'

const home = makeHome()
let server: GitServer
let engine: Engine
let source: RichRepository
let repo: string

before(async () => {
  source = await makeRichRepository(`${home.dir}/rich.git`, { bare: true })
  server = await startGitServer({ root: home.dir })
  engine = await home.open()
  repo = server.url('rich')
})
after(() => server.close())

async function receiptOf(name: string, input: Record<string, unknown> = {}): Promise<Receipt> {
  return (await engine.run(name, { repo, ...input })).receipt
}

const phaseNames = ({ phases }: Receipt): readonly string[] => phases.map(({ name }) => name)

test('a first answer says what it took: clone, its steps, its bytes and its phases', async () => {
  const receipt = await receiptOf('log', { limit: 2 })
  assert.deepEqual(
    [receipt.repo, receipt.ref, receipt.commit, receipt.tier, receipt.driver, receipt.stalenessMs, receipt.history],
    [repo, 'refs/heads/main', source.last, 'clone', 'local', 0, 3],
  )
  assert.deepEqual(receipt.plan, ['fetch 3 generations without trees and file contents'])
  assert(receipt.bytesFetched > 0)
  for (const phase of ['resolve', 'fetch', 'freeze', 'fork', 'git'])
    assert(phaseNames(receipt).includes(phase), `${phase} in ${phaseNames(receipt).join(' ')}`)
  assert(receipt.phases.every(({ ms }) => ms >= 0))
})

test('the same again comes from the result, another question from the image: nothing is fetched', async () => {
  const again = await receiptOf('log', { limit: 2 })
  assert.deepEqual([again.tier, again.plan, again.bytesFetched], ['result', [], 0])
  assert(!phaseNames(again).includes('fork'))
  const other = await receiptOf('log', { limit: 1 })
  assert.deepEqual([other.tier, other.plan.length, other.bytesFetched], ['image', 1, 0])
  assert(!phaseNames(other).includes('fetch'))
})

test('more than is there refreshes the image, and what was learned of the history is said', async () => {
  const receipt = await receiptOf('merge-base', { ours: 'main', theirs: 'topic' })
  assert.deepEqual([receipt.tier === 'image' || receipt.tier === 'result', receipt.history], [false, 'full'])
})

test('answers made of refs need no commit, no history and no bytes', async () => {
  const receipt = await receiptOf('branches')
  assert.deepEqual([receipt.commit, receipt.history, receipt.bytesFetched, receipt.plan], ['', 0, 0, []])
})

test('each request has an id of its own, unless its caller gave one, and a program finds it in its environment', async () => {
  const [first, second] = [await receiptOf('log'), await receiptOf('log')]
  assert.notEqual(first.correlationId, second.correlationId)
  const given = 'c0ffee'.repeat(5) + '00'
  await withCorrelation(given, async () => {
    assert.equal((await receiptOf('log')).correlationId, given)
    const { running, receipt } = await engine.exec({ repo, argv: ['printenv', 'GIT_TRACE2_PARENT_SID'] })
    assert.equal((await finish(running)).stdout.toString(), `${given}\n`)
    assert.equal((await receipt).correlationId, given)
  })
})

test('whoever uses the files is warned of a submodule and of LFS, who reads commits is not', async () => {
  const declared = await makeRepository(`${home.dir}/declared.git`, { bare: true })
  await declared.commit({
    files: {
      '.gitmodules': '[submodule "m"]\n\tpath = m\n\turl = ../other.git\n',
      '.gitattributes': '*.psd filter=lfs diff=lfs merge=lfs -text\n',
      m: { submodule: source.first },
      'big.psd': lfsPointer,
    },
  })
  const input = { repo: server.url('declared') }
  for (let time = 0; time < 2; time += 1) {
    const { warnings } = (await engine.run('status', input)).receipt
    assert.deepEqual([/submodules/.test(warnings.join()), /LFS/.test(warnings.join())], [true, true])
  }
  const { warnings } = (await engine.run('log', input)).receipt
  assert.deepEqual([/submodules/.test(warnings.join()), /LFS/.test(warnings.join())], [false, false])
})

test('explain says the same steps beforehand and does nothing', async () => {
  const cold = await home.open()
  for (const { id } of await cold.images()) await cold.drop(id)
  server.forgetRequests()
  const { steps, has, needs, cost } = await cold.explain('log', { repo, limit: 4 })
  assert.deepEqual([steps.map(({ kind }) => kind), has, needs.history], [['fetch'], null, 5])
  assert(cost.ms > 0)
  assert.deepEqual([server.count('fetch'), (await cold.images()).length], [0, 0])
  assert.deepEqual((await receiptOf('log', { limit: 4 })).plan, ['fetch 5 generations without trees and file contents'])
  await assert.rejects(cold.explain('checkout', { repo, ref: 'HEAD~1' }), { code: 'needs_workspace' })
})

test('warm makes the image a program then starts from, and images tell of it', async () => {
  const { value, receipt } = await engine.warm({ repo, ref: 'topic' })
  assert.deepEqual([value.commit, receipt.ref], [source.topic, 'refs/heads/topic'])
  const image = (await engine.images()).find(({ id }) => id === value.id)
  assert.deepEqual(
    [image?.repo, image?.tips[0], image?.has.worktree, image?.bytes],
    [repo, source.topic, 'full', value.bytes],
  )
  server.forgetRequests()
  const { running, receipt: ending } = await engine.exec({ repo, ref: 'topic', argv: ['cat', 'topic.txt'] })
  assert.equal((await finish(running)).stdout.toString(), 'topic\n')
  assert.deepEqual([(await ending).tier, server.count('fetch')], ['image', 0])
})
