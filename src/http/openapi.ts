import { jsonSchemaTransform } from 'fastify-type-provider-zod'
import type { OpenAPIV3_1 } from 'openapi-types'
import { z } from 'zod'
import { problemSchema } from './schemas.ts'

type Document = Partial<OpenAPIV3_1.Document>

/** The frame of the description, which `completed` fills with what all routes share. */
export function documentFrame(version: string): Omit<OpenAPIV3_1.Document, 'paths'> {
  return {
    openapi: '3.1.0',
    info: { title: 'forkyard', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    security: [{ key: [] }, {}],
    components: {
      securitySchemes: {
        key: { type: 'http', scheme: 'bearer', description: 'An API key; without keys only loopback is served.' },
      },
    },
  }
}

/** One route as it is described; what a route has after its last slash is called a path. */
export const describedRoute: typeof jsonSchemaTransform = (route) => {
  const { schema, url } = jsonSchemaTransform(route)
  return { schema, url: url.replace(/\*$/, ':path') }
}

/** Adds to every route how it fails, who may ask, and a name that no other has. */
export function completed(made: object): Document {
  const document: Document = made
  const routes = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    Object.entries(item ?? {}).map(([method, route]) => ({
      path,
      method,
      route: route as OpenAPIV3_1.OperationObject,
    })),
  )
  const paths: OpenAPIV3_1.PathsObject = {}
  for (const { path, method, route } of routes) {
    const parameters = [...(route.parameters ?? []), ...(/^\/v1\/(?!hooks\/)/.test(path) ? [upstreamCredential] : [])]
    paths[path] = {
      ...paths[path],
      [method]: {
        operationId: operationId(method, path),
        ...route,
        ...(parameters.length === 0 ? {} : { parameters }),
        responses: { ...route.responses, default: failure },
      },
    }
  }
  const { schemas, ...components } = document.components ?? {}
  return {
    ...document,
    paths,
    components: {
      ...components,
      schemas: { ...schemas, Problem: z.toJSONSchema(problemSchema) as OpenAPIV3_1.SchemaObject },
      parameters: {
        GitAuthorization: {
          name: 'Git-Authorization',
          in: 'header',
          required: false,
          description: 'A credential for the upstream; one that opens a workspace stays with it, in memory only.',
          schema: { type: 'string', pattern: '^Basic ' },
        },
      },
    },
  }
}

const upstreamCredential = { $ref: '#/components/parameters/GitAuthorization' }

const failure = {
  description: 'Why it did not work; `code` is stable.',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
}

/** `POST /v1/workspaces/{id}/operations/log` is `postWorkspacesByIdOperationsLog`. */
function operationId(method: string, path: string): string {
  const words = path
    .replace(/^\/v1\//, '/')
    .replaceAll(/\{(\w+)\}/g, 'by-$1')
    .split(/[^a-z0-9]+/i)
  return method + words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join('')
}
