import assert from 'node:assert/strict'
import { createServer, request as ask } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { connect } from '../../src/client/connect.ts'
import { describeEngine, fillForCases } from '../support/describe-engine.ts'
import { makeGround } from '../support/engine-repository.ts'
import { runService } from '../support/running-service.ts'

const ground = makeGround(fillForCases)
const service = runService(ground.home)

describeEngine('an engine over HTTP', ground, async () => connect(service.url))

/** A way to the service on which the first answer to each kind of question gets lost. */
async function losingWay(t: TestContext): Promise<string> {
  const asked = new Set<string>()
  const way = createServer((request, response) => {
    const { method = '', url: path = '', headers } = request
    const isFirst = !asked.has(`${method} ${path}`)
    asked.add(`${method} ${path}`)
    request.pipe(
      ask(service.url + path, { method, headers }, (answer) => {
        if (isFirst) answer.resume().once('end', () => response.destroy())
        else answer.pipe(response.writeHead(answer.statusCode ?? 0, answer.headers))
      }),
    )
  })
  await new Promise<void>((resolve) => way.listen(0, '127.0.0.1', resolve))
  t.after(() => way.closeAllConnections())
  t.after(() => way.close())
  return `http://127.0.0.1:${(way.address() as AddressInfo).port}`
}

test('what is asked again because its answer got lost is done once', async (t) => {
  const engine = connect(service.url)
  const shaky = connect(await losingWay(t))
  await shaky.images()
  const workspace = await shaky.open({ repo: ground.repo })
  assert.equal((await engine.workspaces()).length, 1)
  await workspace.files.list(null)
  await workspace.run('write-file', { path: 'a', content: 'a' })
  await workspace.run('add', {})
  await workspace.run('commit', { message: 'Once' })
  assert.equal(((await workspace.run('log')).value as { commits: readonly unknown[] }).commits.length, 3)
  const forks = await workspace.fork({ count: 2 })
  assert.equal((await engine.workspaces()).length, 3)
  for (const each of [workspace, ...forks]) await each.close()
  assert.deepEqual(await engine.workspaces(), [])
  await Promise.all([shaky.close(), engine.close()])
})
