import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { makeHome, type StartedCli } from '../support/engine-home.ts'
import { imageComplaints } from '../support/fsck-images.ts'
import { startGitServer, type GitServer } from '../support/git-server.ts'
import { leftovers } from '../support/leftovers.ts'
import { makeRepository } from '../support/repository.ts'

const rounds = 2
const clients = 4

const home = makeHome()
let server: GitServer

before(async () => {
  const source = await makeRepository(`${home.dir}/busy.git`, { bare: true })
  await source.commit({ files: { 'README.md': '# Busy\n', 'src/a.txt': 'a\n' } })
  server = await startGitServer({ root: home.dir })
})
after(() => server.close())

interface Running extends StartedCli {
  readonly url: string
}

async function serve(): Promise<Running> {
  const started = home.start(['serve', '--port=0'])
  assert(started.child.stdout)
  const [said] = (await once(started.child.stdout, 'data')) as [Buffer]
  const [, url] = /^forkyard serves (http:\S+)\n/.exec(said.toString()) ?? []
  assert(url !== undefined, said.toString())
  return { ...started, url }
}

/** The value of an answer; throws where the connection broke. */
async function ask<Value>(url: string, body: unknown, init: RequestInit = {}): Promise<Value> {
  const headers = { 'content-type': 'application/json', ...init.headers }
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(body), ...init, headers })
  const { value, code } = (await response.json()) as { value: Value; code?: string }
  assert.equal(code, undefined)
  return value
}

/** One agent's work, again and again until its connection breaks; what it asked for last is what it may ask again. */
async function work(url: string, key: string, count: () => void): Promise<void> {
  try {
    for (let turn = 0; ; turn += 1) {
      const headers = { 'idempotency-key': `${key}-${turn}` }
      const { id } = await ask<{ id: string }>(`${url}/v1/workspaces`, { repo: server.url('busy') }, { headers })
      const workspace = `${url}/v1/workspaces/${id}`
      await ask(`${workspace}/operations/write-file`, { path: 'notes.txt', content: key })
      const { clean } = await ask<{ clean: boolean }>(`${workspace}/operations/status`, {})
      assert.equal(clean, false)
      const { stdout } = await ask<{ stdout: string }>(`${workspace}/exec`, { argv: ['cat', 'notes.txt'] })
      assert.equal(stdout, key)
      assert.equal((await fetch(workspace, { method: 'DELETE' })).status, 204)
      count()
    }
  } catch (error) {
    // A connection that broke is a TypeError of fetch or of its body.
    if (!(error instanceof TypeError)) throw error
  }
}

test(`a service killed at work ${rounds} times serves again from its images, and what may be repeated succeeds`, async (t) => {
  let running = await serve()
  t.after(() => running.child.kill('SIGKILL'))
  await ask(`${running.url}/v1/images`, { repo: server.url('busy') })
  server.forgetRequests()
  for (let round = 0; round < rounds; round += 1) {
    let turns = 0
    const enough = Promise.withResolvers<void>()
    const count = (): void => {
      turns += 1
      if (turns === clients) enough.resolve()
    }
    const { url } = running
    const working = Array.from({ length: clients }, (_, at) => work(url, `agent-${round}-${at}`, count))
    await enough.promise
    running.child.kill('SIGKILL')
    await Promise.all([...working, running.end])

    const startedAt = performance.now()
    running = await serve()
    const again = running.url
    const { clean } = await ask<{ clean: boolean }>(`${again}/v1/operations/status`, { repo: server.url('busy') })
    t.diagnostic(`answers again after ${Math.round(performance.now() - startedAt)} ms`)
    assert.equal(clean, true)
    assert.deepEqual(await (await fetch(`${again}/v1/workspaces`)).json(), { value: [] })
    for (let at = 0; at < clients; at += 1) {
      const headers = { 'idempotency-key': `agent-${round}-${at}-0` }
      const { id } = await ask<{ id: string }>(`${again}/v1/workspaces`, { repo: server.url('busy') }, { headers })
      const repeated = await ask<{ id: string }>(`${again}/v1/workspaces`, { repo: server.url('busy') }, { headers })
      assert.equal(repeated.id, id)
      assert.equal((await fetch(`${again}/v1/workspaces/${id}`, { method: 'DELETE' })).status, 204)
    }
  }
  assert.equal(server.count('fetch'), 0)
  running.child.kill('SIGTERM')
  assert.equal((await running.end).code, 0)
  assert.deepEqual(leftovers(home), [])
  assert.deepEqual(await imageComplaints(home), [])
})
