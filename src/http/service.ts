import swagger from '@fastify/swagger'
import fastify, { LogController } from 'fastify'
import { jsonSchemaTransform, type ZodTypeProvider } from 'fastify-type-provider-zod'
import { correlationId, correlationIdFrom, withCorrelation } from '../core/correlation.ts'
import { AppError, withShortage } from '../core/errors.ts'
import type { Door, ServiceParts } from './door.ts'
import { gate } from './gate.ts'
import { observeRequests } from './observe-requests.ts'
import { sendProblem } from './problem.ts'
import { notesOf } from './request-notes.ts'
import { fileRoutes } from './routes/files.ts'
import { healthRoutes } from './routes/health.ts'
import { imageRoutes } from './routes/images.ts'
import { operationRoutes } from './routes/operations.ts'
import { stateRoutes } from './routes/state.ts'
import { workspaceRoutes } from './routes/workspaces.ts'

const MAX_HEADER_BYTES = 16 * 1024
const MAX_BODY_BYTES = 8 * 1024 * 1024
/** Time for a request to arrive whole; a file that is written has the deadline of the write. */
const ARRIVAL_MS = 60_000

/** The engine over HTTP; it listens to nobody yet. */
export async function httpService(parts: ServiceParts): Promise<Door> {
  const door = fastify({
    http: { maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: 10_000 },
    loggerInstance: parts.log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: ARRIVAL_MS,
    forceCloseConnections: 'idle',
    // The gate says so in our own words.
    return503OnClosing: false,
    frameworkErrors: (error, _request, reply) => void sendProblem(reply, error),
    rewriteUrl: ({ url = '' }) => withBytesOfFiles(url),
    // A name of a path parameter is one of ours; its length is what a URL may have.
    routerOptions: { maxParamLength: 8192 },
  })
  // Schemas describe. What comes is checked once, by the engine, which says in its own words what is wrong.
  door.setValidatorCompiler(() => (value) => ({ value }))
  door.setSerializerCompiler(() => JSON.stringify)
  observeRequests(door, parts)
  door.addHook('onRequest', (request, reply, done) => {
    const { traceparent } = request.headers
    withCorrelation(correlationIdFrom(typeof traceparent === 'string' ? traceparent : undefined), () => {
      void reply.header('x-correlation-id', correlationId())
      done()
    })
  })
  door.decorateRequest('tenant', null)
  door.addHook('onRequest', gate(parts))
  door.setErrorHandler((error, request, reply) => {
    notesOf(request).error = withShortage(error)
    return sendProblem(reply, error)
  })
  door.setNotFoundHandler((_request, reply) =>
    sendProblem(reply, new AppError('route_unknown', 'Cannot serve the request: there is no such route')),
  )
  await door.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'forkyard', version: parts.version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    },
    transform: jsonSchemaTransform,
  })
  await door.register(async (routes) => {
    const typed = routes.withTypeProvider<ZodTypeProvider>()
    for (const add of [operationRoutes, workspaceRoutes, fileRoutes, imageRoutes, healthRoutes, stateRoutes])
      add(typed, parts)
  })
  return door
}

/** Keeps the encoding of a file's name as it came, for its route to decode: names are bytes, and need not be UTF-8. */
function withBytesOfFiles(url: string): string {
  return url.replace(
    /^(\/v1\/workspaces\/[^/?]*\/files\/)([^?]*)/,
    (_, head: string, name: string) => head + name.replaceAll('%', '%25'),
  )
}
