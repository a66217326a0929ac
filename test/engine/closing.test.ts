import assert from 'node:assert/strict'
import { after, test, type TestContext } from 'node:test'
import { compose, type Composed } from '../../src/compose.ts'
import type { Workspace } from '../../src/engine/contract.ts'
import type { SandboxDriver } from '../../src/sandbox/contract.ts'
import { makeGround } from '../support/engine-repository.ts'
import { leftovers } from '../support/leftovers.ts'

const ground = makeGround((source) => source.commit({ files: { 'README.md': '# Ground\n' } }))

after(() => assert.deepEqual(leftovers(ground.home), []))

const openIn = ({ engine }: Composed): Promise<Workspace> => engine.open({ repo: ground.repo })
const another = (): Promise<Composed> => compose(ground.home.settings, {})

/** Has the sandboxes that a driver makes from now on call back when a command of theirs has ended. */
function afterCommands({ mock }: TestContext, driver: SandboxDriver, callBack: () => void): void {
  const create = driver.create.bind(driver)
  mock.method(driver, 'create', async (...given: Parameters<SandboxDriver['create']>) => {
    const sandbox = await create(...given)
    const exec = sandbox.exec.bind(sandbox)
    mock.method(sandbox, 'exec', (...command: Parameters<typeof exec>) => {
      const running = exec(...command)
      return { ...running, exit: running.exit.finally(callBack) }
    })
    return sandbox
  })
}

test('a workspace that is about to open when its engine closes is not lent, and nothing of it stays', async (context) => {
  const composed = await another()
  const { engine, driver } = composed
  await (await openIn(composed)).close()
  let closing: Promise<void> | undefined
  afterCommands(context, driver, () => {
    closing ??= engine.close()
  })
  await assert.rejects(openIn(composed), { code: 'sandbox_lost' })
  await closing
  assert.deepEqual(await engine.workspaces(), [])
  await assert.rejects(openIn(composed), { code: 'sandbox_lost' })
  assert.deepEqual(leftovers(ground.home), [])
})

test('forks that are about to be made when their engine closes are not lent either, and all end', async (context) => {
  const composed = await another()
  const { engine, driver } = composed
  const workspace = await openIn(composed)
  const fork = driver.fork.bind(driver)
  let closing: Promise<void> | undefined
  context.mock.method(driver, 'fork', async (...given: Parameters<SandboxDriver['fork']>) => {
    const forks = await fork(...given)
    closing = engine.close()
    return forks
  })
  await assert.rejects(workspace.fork({ count: 2 }), { code: 'sandbox_lost' })
  await closing
  assert.deepEqual(await engine.workspaces(), [])
  assert.deepEqual(leftovers(ground.home), [])
})

test('a workspace that cannot be ended keeps nothing else open, and closing tells why', async (context) => {
  const composed = await another()
  const { engine, driver } = composed
  const create = driver.create.bind(driver)
  const destroy = (): Promise<void> => Promise.reject(new Error('it stays'))
  const mocked = context.mock.method(driver, 'create', async (...given: Parameters<typeof create>) => ({
    ...(await create(...given)),
    destroy,
  }))
  const stuck = await openIn(composed)
  mocked.mock.restore()
  const other = await openIn(composed)
  await assert.rejects(engine.close(), /it stays/)
  for (const workspace of [stuck, other]) await assert.rejects(workspace.run('status'), { code: 'workspace_not_found' })
  // The driver was closed as well, and with it whatever was left.
  assert.deepEqual(leftovers(ground.home), [])
})
