import assert from 'node:assert/strict'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { inspect } from 'node:util'
import { AppError, toProblem } from '../../src/core/errors.ts'
import type { Ref } from '../../src/git/ref.ts'
import type { Lookup } from '../../src/git/remote/address.ts'
import type { HttpLimits } from '../../src/git/remote/http-exchange.ts'
import { httpRemoteDefaults, httpRemotes } from '../../src/git/remote/http-remote.ts'
import { parseRepo, type HttpRepo } from '../../src/git/remote/repo-url.ts'

const secret = 'hunter2-token'
const header = `Basic ${Buffer.from(`user:${secret}`).toString('base64')}`

export interface Asking {
  readonly limits?: Partial<HttpLimits>
  readonly lookup?: Lookup
  readonly maxRefsBytes?: number
  readonly ca?: string
  readonly signal?: AbortSignal
}

/** Introduces itself to a repository nobody has spoken to yet, with a credential, and lists its refs. */
export async function askRefs(repo: HttpRepo, asking: Asking = {}): Promise<readonly Ref[]> {
  const { limits = {}, signal = new AbortController().signal, ...rest } = asking
  const settings = { ...httpRemoteDefaults, ...rest, limits: { ...httpRemoteDefaults.limits, ...limits } }
  const remotes = httpRemotes(settings)
  try {
    const remote = remotes.open(repo, { fingerprint: 'f', header: () => header })
    await remote.abilities({ signal })
    return await remote.lsRefs({ prefixes: [], signal })
  } finally {
    remotes.close()
  }
}

/** The error of that question, after a look for the credential in all that can be shown of it. */
export async function askRefsFailure(repo: HttpRepo, asking: Asking = {}): Promise<AppError> {
  const error = await askRefs(repo, asking).then(
    () => assert.fail('was answered'),
    (thrown: unknown) => thrown,
  )
  assert(error instanceof AppError, inspect(error))
  const shown = inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(toProblem(error)) + String(error)
  for (const form of [secret, header, header.slice(6)]) assert(!shown.includes(form))
  // oxlint-disable-next-line no-control-regex -- these must not come through
  assert.doesNotMatch(toProblem(error).title, /[\u0000-\u001f\u007f]/)
  return error
}

/** A repository on a host that may be private and may be reached over http. */
export function allowedRepo(url: string): HttpRepo {
  const repo = parseRepo(url, { allowHosts: [new URL(url).host], onlyHosts: [], allowLocal: false })
  assert(repo.kind === 'http')
  return repo
}

/** Lets a bare TCP server listen on a free port of loopback. */
export async function listen(listener: Server): Promise<number> {
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  return (listener.address() as AddressInfo).port
}

/** A port of loopback at which nobody listens. */
export async function closedPort(): Promise<number> {
  const server = createServer()
  const port = await listen(server)
  await new Promise((resolve) => server.close(resolve))
  return port
}
