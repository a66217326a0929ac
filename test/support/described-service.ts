import { channel } from 'node:diagnostics_channel'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { Door } from '../../src/http/door.ts'

/** What of a description tests read. */
export interface Description {
  readonly openapi: string
  readonly components: { readonly securitySchemes: Readonly<Record<string, object>> }
  readonly security: readonly object[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, DescribedRoute>>>>
}

interface DescribedRoute {
  readonly operationId?: string
  readonly summary?: string
  readonly tags?: readonly string[]
  readonly parameters?: readonly { readonly name?: string; readonly in?: string; readonly example?: unknown }[]
  readonly requestBody?: { readonly content: Content }
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>
}

type Content = Readonly<Record<string, { readonly schema?: object; readonly example?: unknown }>>

/** One method of one path. */
export interface Route extends DescribedRoute {
  readonly method: string
  readonly path: string
}

export function routesOf({ paths }: Description): readonly Route[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, route]) => ({ ...route, method: method.toUpperCase(), path })),
  )
}

/** Every route that a door is given from now on, described or not. */
export function watchRoutes(): ReadonlySet<string> {
  const seen = new Set<string>()
  channel('fastify.initialization').subscribe((message) => {
    const { fastify } = message as { fastify: Door }
    fastify.addHook('onRoute', ({ method, url }) => {
      for (const one of [method].flat()) {
        // Answers to HEAD follow from those to GET.
        if (one !== 'HEAD') seen.add(`${one} ${url.replaceAll(/:(\w+)/g, '{$1}').replace(/\*$/, '{path}')}`)
      }
    })
  })
  return seen
}

/** What is wrong with an answer by what its route says of itself; `null` where nothing is. */
export function answerChecks(description: Description) {
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true }).addSchema(description, 'api')
  return async ({ method, path, responses }: Route, response: Response): Promise<string | null> => {
    const status = String(response.status) in responses ? String(response.status) : 'default'
    if (status === 'default' && response.ok) return `${response.status} is not described`
    const { content } = responses[status] ?? {}
    const said = await response.text()
    const type = response.headers.get('content-type')?.split(';')[0] ?? null
    if (content === undefined) return said === '' ? null : `${status} has a body`
    if (type === null || content[type] === undefined) return `${type} is not described for ${status}`
    if (!type.endsWith('json')) return null
    const at = ['paths', path, method.toLowerCase(), 'responses', status, 'content', type, 'schema']
    const check = ajv.compile({ $ref: `api#/${at.map(pointer).join('/')}` })
    return check(JSON.parse(said)) ? null : ajv.errorsText(check.errors)
  }
}

/** A name in a JSON pointer that is the fragment of a URL. */
function pointer(name: string): string {
  return encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'))
}
