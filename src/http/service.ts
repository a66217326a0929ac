import swagger from '@fastify/swagger'
import fastify, { LogController } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { correlationId, correlationIdFrom, newCorrelationId, withCorrelation } from '../core/correlation.ts'
import { AppError, withShortage } from '../core/errors.ts'
import { refuseBroken } from './broken-request.ts'
import type { Door, ServiceParts } from './door.ts'
import { gate } from './gate.ts'
import { takeJson } from './json-body.ts'
import { observeRequests } from './observe-requests.ts'
import { completed, describedRoute, documentFrame } from './openapi.ts'
import { routeUnknown, sendProblem } from './problem.ts'
import { notesOf } from './request-notes.ts'
import { fileRoutes } from './routes/files.ts'
import { healthRoutes } from './routes/health.ts'
import { hookRoutes } from './routes/hooks.ts'
import { imageRoutes } from './routes/images.ts'
import { operationRoutes } from './routes/operations.ts'
import { programRoutes } from './routes/programs.ts'
import { stateRoutes } from './routes/state.ts'
import { workspaceRoutes } from './routes/workspaces.ts'

const MAX_HEADER_BYTES = 16 * 1024
const MAX_BODY_BYTES = 8 * 1024 * 1024
/** Time for the headers of a request, where all of it does not have less. */
const MAX_HEADERS_MS = 10_000
/** Beyond these, connections are not taken. */
const MAX_CONNECTIONS = 4096

const groups = [
  operationRoutes,
  programRoutes,
  workspaceRoutes,
  fileRoutes,
  imageRoutes,
  hookRoutes,
  healthRoutes,
  stateRoutes,
]

/** The engine over HTTP; it listens to nobody yet. */
export async function httpService(parts: ServiceParts): Promise<Door> {
  const { arrivalMs } = parts
  const door = fastify({
    http: {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: Math.min(MAX_HEADERS_MS, arrivalMs),
      // Refused below, in our own words.
      requireHostHeader: false,
      // By default connections are looked at every half minute only.
      connectionsCheckingInterval: Math.min(1000, arrivalMs / 4),
    },
    loggerInstance: parts.log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: arrivalMs,
    forceCloseConnections: 'idle',
    // The gate says so in our own words.
    return503OnClosing: false,
    clientErrorHandler: refuseBroken,
    // No hook has run for what cannot even be routed.
    frameworkErrors: (error, _request, reply) =>
      void sendProblem(reply.header('x-correlation-id', newCorrelationId()), error),
    rewriteUrl: ({ url = '' }) => withBytesOfFiles(url),
    // A name of a path parameter is one of ours; its length is what a URL may have.
    routerOptions: { maxParamLength: 8192 },
  })
  door.server.maxConnections = MAX_CONNECTIONS
  // Schemas describe. What comes is checked once, by the engine, which says in its own words what is wrong.
  door.setValidatorCompiler(() => (value) => ({ value }))
  takeJson(door)
  door.setSerializerCompiler(() => JSON.stringify)
  observeRequests(door, parts)
  door.addHook('onRequest', (request, reply, done) => {
    const { traceparent } = request.headers
    withCorrelation(correlationIdFrom(typeof traceparent === 'string' ? traceparent : undefined), () => {
      void reply.header('x-correlation-id', correlationId())
      done()
    })
  })
  door.addHook('onRequest', async ({ raw }) => {
    // Whoever stands between could take the one for the other.
    if (countOf('host', raw.rawHeaders) !== 1)
      throw new AppError('input_invalid', 'Cannot understand the request: it must name one host')
    if (countOf('authorization', raw.rawHeaders) > 1)
      throw new AppError('input_invalid', 'Cannot understand the request: it must bear one key')
  })
  door.decorateRequest('tenant', null)
  door.addHook('onRequest', gate(parts))
  door.setErrorHandler((error, request, reply) => {
    notesOf(request).error = withShortage(error)
    return sendProblem(reply, error)
  })
  door.setNotFoundHandler((_request, reply) => sendProblem(reply, routeUnknown()))
  await door.register(swagger, {
    openapi: documentFrame(parts.version),
    transform: describedRoute,
    transformObject: (made) => completed('openapiObject' in made ? made.openapiObject : made.swaggerObject),
  })
  await door.register(async (routes) => {
    const typed = routes.withTypeProvider<ZodTypeProvider>()
    for (const add of groups) add(typed, parts)
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

function countOf(header: string, rawHeaders: readonly string[]): number {
  return rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === header).length
}
