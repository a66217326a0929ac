import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { peek, runBackend } from './git-server-backend.ts'
import { answerWithFault, type Fault } from './git-server-faults.ts'

export interface GitServerOptions {
  /** Directory whose sub-directories are the repositories; `a/b` and `a/b.git` name the same one. */
  readonly root: string
  readonly auth?: BasicAuth | null
  readonly tls?: { readonly key: string; readonly cert: string }
  /** Address to listen on; the default is 127.0.0.1. */
  readonly listen?: string
  /** Port to listen on; by default a free one. */
  readonly port?: number
}

export interface BasicAuth {
  readonly username: string
  readonly password: string
}

/** One request as the server saw it. */
export interface LoggedRequest {
  readonly method: string
  readonly path: string
  readonly service: string | null
  /** Command of the protocol, `ls-refs`, `fetch` or `push`; a v0 fetch counts as `fetch`. */
  readonly command: string | null
  readonly hasAuthorization: boolean
  readonly headers: IncomingMessage['headers']
  /** The remote end's port: equal ports mean a kept-alive connection. */
  readonly clientPort: number
}

/** A real `git http-backend` behind HTTP, with switches that may be set at any time. */
export interface GitServer {
  readonly port: number
  /** `127.0.0.1:port`, as FORKYARD_ALLOW_HOSTS wants it. */
  readonly host: string
  readonly requests: readonly LoggedRequest[]
  /** Whether filters are served (`uploadpack.allowFilter`). */
  hasFilters: boolean
  /** Whether any reachable or unreachable id may be asked for. */
  allowsAnyId: boolean
  /** Whether pushes are taken (`http.receivepack`); where they are not, they are forbidden. */
  takesPushes: boolean
  auth: BasicAuth | null
  /** Time each answer is held back. */
  delayMs: number
  /** What goes wrong; `null` for an honest server. */
  fault: Fault | null
  url(path: string): string
  /** How often a command was received: `fetch` counts packs (and negotiation rounds), `ls-refs` lookups, `push` packs received. */
  count(command: 'push' | 'fetch' | 'ls-refs' | 'bundle-uri' | 'object-info'): number
  forgetRequests(): void
  close(): Promise<void>
}

/** Starts a server on a free port; close it in the test's `after`. */
export async function startGitServer({
  root,
  auth = null,
  tls,
  listen = '127.0.0.1',
  port: wantedPort = 0,
}: GitServerOptions): Promise<GitServer> {
  const requests: LoggedRequest[] = []
  const children = new Set<() => void>()
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    serve(request, response).catch(() => response.destroy())
  }
  const server = tls ? createTlsServer({ ...tls }, listener) : createServer(listener)
  await new Promise<void>((resolve) => server.listen(wantedPort, listen, resolve))
  const { port } = server.address() as AddressInfo
  const host = listen.includes(':') ? `[${listen}]:${port}` : `${listen}:${port}`

  const state: GitServer = {
    port,
    host,
    requests,
    hasFilters: true,
    allowsAnyId: true,
    takesPushes: true,
    auth,
    delayMs: 0,
    fault: null,
    url: (path) => `${tls ? 'https' : 'http'}://${host}/${path}`,
    count: (command) => requests.filter((request) => request.command === command).length,
    forgetRequests: () => void requests.splice(0),
    async close() {
      for (const kill of children) kill()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }

  async function serve(request: IncomingMessage, response: ServerResponse) {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://server')
    const body = await peek(request)
    const service = searchParams.get('service') ?? /\/(git-[a-z-]+)$/.exec(pathname)?.[1] ?? null
    const command = commandOf(body.head)
    const hasAuthorization = request.headers.authorization !== undefined
    const { remotePort = 0 } = request.socket
    const method = request.method ?? ''
    const { headers } = request
    requests.push({ method, path: pathname, service, command, hasAuthorization, headers, clientPort: remotePort })
    if (state.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, state.delayMs))

    const { fault } = state
    const asked = {
      pathname,
      search: searchParams,
      service: service ?? '',
      command,
      method,
      headers,
      body: body.stream,
    }
    if (fault !== null && answerWithFault(fault, asked, response)) {
      if (fault.times !== undefined) state.fault = fault.times > 1 ? { ...fault, times: fault.times - 1 } : null
      return
    }
    if (state.auth !== null && headers.authorization !== basic(state.auth)) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end()
      return
    }
    const config = {
      'uploadpack.allowFilter': `${state.hasFilters}`,
      'uploadpack.allowAnySHA1InWant': `${state.allowsAnyId}`,
      'http.receivepack': `${state.takesPushes}`,
      'safe.directory': '*',
    }
    await runBackend({
      root,
      request,
      response,
      body: body.stream,
      fault,
      command,
      config,
      children,
    })
  }

  return state
}

function commandOf(head: Buffer): string | null {
  const text = head.subarray(4, 90).toString('latin1')
  if (text.startsWith('want ')) return 'fetch'
  if (/^[0-9a-f]{40,} [0-9a-f]{35,}/.test(text)) return 'push'
  return /^command=([a-z-]+)/.exec(text)?.[1] ?? null
}

function basic({ username, password }: BasicAuth): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}
