import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { hasCode } from '../../../src/core/errors.ts'
import { httpRemoteDefaults, httpRemotes } from '../../../src/git/remote/http-remote.ts'
import { notTooSlow } from '../../../src/git/remote/not-too-slow.ts'
import type { FetchPackOptions, Remote } from '../../../src/git/remote/remote.ts'
import { parseRepo } from '../../../src/git/remote/repo-url.ts'
import { startGitServer, type GitServer } from '../../support/git-server.ts'
import { describePacks } from '../../support/pack-cases.ts'
import { makeRepository } from '../../support/repository.ts'
import { scratchPlace } from '../../support/scratch-place.ts'

const { signal } = new AbortController()

for (const protocol of [2, 0] as const) {
  describePacks(`a server that speaks protocol ${protocol}`, async (root) => {
    const server = await startGitServer({ root })
    if (protocol === 0) server.fault = { kind: 'v0' }
    const remotes = httpRemotes(httpRemoteDefaults)
    return {
      root,
      open: (name) => remoteAt(server, remotes, name),
      async close() {
        remotes.close()
        await server.close()
      },
    }
  })
}

function remoteAt(server: GitServer, remotes: ReturnType<typeof httpRemotes>, name: string): Remote {
  const repo = parseRepo(server.url(name), { allowHosts: [server.host], onlyHosts: [], allowLocal: false })
  assert(repo.kind === 'http')
  return remotes.open(repo, null)
}

let root: string
let server: GitServer
let wish: Omit<FetchPackOptions, 'signal'>
const remotes = httpRemotes(httpRemoteDefaults)
const impatient = httpRemotes({ ...httpRemoteDefaults, packIdleMs: 300 })

before(async () => {
  root = await mkdtemp(join(scratchPlace, 'forkyard-http-pack-'))
  const large = await makeRepository(join(root, 'large.git'), { bare: true })
  const id = await large.commit({ files: { noise: randomBytes(8_000_000) } })
  server = await startGitServer({ root })
  wish = { wants: [id], haves: [], shallow: [], depth: 1, filter: 'none', onProgress: () => {} }
})
after(async () => {
  remotes.close()
  impatient.close()
  await server.close()
  await rm(root, { recursive: true })
})

async function bytesOf(pack: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0
  for await (const chunk of pack) bytes += chunk.length
  return bytes
}

test('a server that falls silent in mid-pack, breaks it off or redirects it is told as such', async () => {
  const other = await startGitServer({ root })
  for (const [fault, code] of [
    [{ kind: 'stall', at: 'pack' }, 'remote_timeout'],
    [{ kind: 'cut-pack', afterBytes: 100_000 }, 'remote_failed'],
    [{ kind: 'redirect', to: other.url('').slice(0, -1), on: 'POST' }, 'remote_redirected'],
    [{ kind: 'status', status: 500 }, 'remote_failed'],
    [{ kind: 'status', status: 401 }, 'auth_required'],
  ] as const) {
    const remote = remoteAt(server, fault.kind === 'stall' ? impatient : remotes, 'large.git')
    await remote.abilities({ signal })
    server.fault = fault
    await assert.rejects(
      remote.fetchPack({ ...wish, signal }, ({ pack }) => bytesOf(pack)),
      (error) => hasCode(error, code),
      JSON.stringify(fault),
    )
    server.fault = null
  }
  assert.equal(other.requests.length, 0)
  await other.close()
})

test('a pack that nobody wants any more is not read on, and the next one comes whole', async () => {
  const remote = remoteAt(server, remotes, 'large.git')
  const left = await remote.fetchPack({ ...wish, signal }, async ({ pack }) => {
    for await (const chunk of pack) return chunk.length
    return 0
  })
  assert(left > 0)
  const caller = new AbortController()
  const aborted = remote.fetchPack({ ...wish, signal: caller.signal }, async ({ pack }) => {
    caller.abort()
    return bytesOf(pack)
  })
  await assert.rejects(aborted, (error) => hasCode(error, 'canceled'))
  assert((await remote.fetchPack({ ...wish, signal }, ({ pack }) => bytesOf(pack))) > 8_000_000)
})

test('a trickle is given up after one window; neither a quick stream nor a slow reader ever is', async () => {
  let now = 0
  const limits = { host: 'example.com', windowMs: 1000, clock: { now: () => now, monotonic: () => now } }
  async function* every(ms: number, bytes: number): AsyncGenerator<Uint8Array> {
    for (let chunk = 0; chunk < 10; chunk += 1) {
      now += ms
      yield Buffer.alloc(bytes)
    }
  }
  await assert.rejects(bytesOf(notTooSlow(every(600, 1), limits)), (error) => hasCode(error, 'remote_timeout'))
  assert.equal(await bytesOf(notTooSlow(every(600, 1000), limits)), 10_000)
  let read = 0
  for await (const chunk of notTooSlow(every(10, 1), limits)) {
    read += chunk.length
    now += 60_000
  }
  assert.equal(read, 10)
})
