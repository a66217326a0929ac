import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { after } from 'node:test'
import { AppError, toProblem, type ErrorCode } from '../../src/core/errors.ts'

/** What a service that is not well may answer to one request. */
export type Script = (response: ServerResponse) => void

/** One request as it arrived. */
export interface Arrived {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** An HTTP server that answers as it is told, the last script for ever. */
export interface ScriptedService {
  readonly url: string
  readonly arrived: readonly Arrived[]
  /** What comes next; forgets what has arrived. */
  play(...scripts: readonly Script[]): void
  stop(): Promise<void>
  /** Listens again where it did before. */
  start(): Promise<void>
}

/** Call it at the top of a test file; it is stopped after the tests. */
export async function scriptedService(): Promise<ScriptedService> {
  const arrived: Arrived[] = []
  let scripts: readonly Script[] = []
  const server = createServer((request, response) => {
    void (async () => {
      const { method = '', url: path = '', headers } = request
      arrived.push({ method, path, headers, body: await text(request).catch(() => '') })
      scripts[Math.min(arrived.length, scripts.length) - 1]?.(response)
    })()
  })
  const listen = (port: number): Promise<void> =>
    new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve()))
  const stop = async (): Promise<void> => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  await listen(0)
  const { port } = server.address() as AddressInfo
  after(stop)
  return {
    url: `http://127.0.0.1:${port}`,
    arrived,
    play(...next) {
      arrived.length = 0
      scripts = next
    },
    stop,
    start: () => listen(port),
  }
}

/** Answers with JSON. */
export function answers(value: unknown, status = 200): Script {
  return (response) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

/** Refuses as the service does. */
export function refuses(code: ErrorCode, headers: Readonly<Record<string, string>> = {}): Script {
  const problem = toProblem(new AppError(code, `Cannot do it: ${code}`, { details: { reason: code } }))
  return (response) =>
    void response
      .writeHead(problem.status, { 'content-type': 'application/problem+json', ...headers })
      .end(JSON.stringify(problem))
}

/** Answers with these bytes as NDJSON, then ends properly or breaks off. */
export function streams(chunks: readonly (string | Uint8Array)[], { isBroken = false } = {}): Script {
  return (response) => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    for (const chunk of chunks) response.write(chunk)
    if (isBroken) response.write('', () => response.destroy())
    else response.end()
  }
}

/** Breaks the connection without a word. */
export const breaksOff: Script = (response) => void response.destroy()

/** Never says anything. */
export const staysSilent: Script = () => {}
