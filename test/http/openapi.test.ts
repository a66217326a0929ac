import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { operations } from '../../src/git/registry.ts'
import { exampleRepo } from '../../src/http/schemas.ts'
import { answerChecks, routesOf, watchRoutes, type Description, type Route } from '../support/described-service.ts'
import { makeGround } from '../support/engine-repository.ts'
import { runService } from '../support/running-service.ts'
import { githubHeaders, gitlabHeaders, writeHookSecrets } from '../support/webhooks.ts'

const ground = makeGround(async (source) => {
  await source.commit({ files: { 'README.md': '# Ground\n\nTODO: write\n' } })
  await source.commit({ files: { 'README.md': '# Ground\n\nTODO: write more\n', 'src/a.txt': 'a\n' } })
  await source.tag('v1')
})
const registered = watchRoutes()
// What was asked once need not be asked again: how answers look is what counts here.
const hookSecretsFile = `${ground.home.dir}/hooks.json`
writeHookSecrets(hookSecretsFile)
const service = runService(ground.home, { maxStalenessMs: 600_000, readerIdleMs: 30_000, hookSecretsFile })

async function described(): Promise<Description> {
  return (await (await fetch(`${service.url}/openapi.json`)).json()) as Description
}

test('an independent validator finds the description to be OpenAPI 3.1', async () => {
  const description = await described()
  const { valid, errors } = await new Validator().validate({ ...description })
  assert.deepEqual([valid, errors], [true, undefined])
  assert.match(description.openapi, /^3\.1\./)
})

test('every route is described: a name of its own, what it is for, what it takes, what it answers and how it fails', async () => {
  const description = await described()
  const routes = routesOf(description)
  assert.deepEqual(routes.map(({ method, path }) => `${method} ${path}`).toSorted(), [...registered].toSorted())
  assert.equal(new Set(routes.map(({ operationId }) => operationId)).size, routes.length)
  assert.deepEqual(Object.keys(description.components.securitySchemes), ['key'])
  for (const { method, path, operationId, summary, tags, requestBody, responses } of routes) {
    const name = `${method} ${path}`
    assert(/^\w+$/.test(operationId ?? ''), name)
    assert(summary?.endsWith('.') === true && (tags?.length ?? 0) > 0, name)
    const bodies = Object.values(requestBody?.content ?? {})
    assert(bodies.length > 0 === ['POST', 'PUT'].includes(method), name)
    assert(
      bodies.every(({ example }) => example !== undefined),
      `${name} has no example`,
    )
    const answers = Object.entries(responses).filter(([status]) => status.startsWith('2'))
    assert(answers.length > 0, name)
    for (const [status, { content = {} }] of answers) {
      const schemas = Object.values(content).map(({ schema }) => schema)
      assert(status === '204' ? schemas.length === 0 : schemas.length > 0 && !schemas.includes(undefined), name)
    }
    const { schema } = responses['default']?.content?.['application/problem+json'] ?? {}
    assert.deepEqual(schema, { $ref: '#/components/schemas/Problem' }, name)
  }
})

test('the example of every route is answered as its description says', async (t) => {
  const description = await described()
  const complaintAbout = answerChecks(description)
  const shared = await service.open(ground.repo)
  for (const route of routesOf(description)) {
    await t.test(`${route.method} ${route.path}`, async () => {
      const operation = operations.find(({ name }) => new RegExp(`/(?:operations|explain)/${name}$`).test(route.path))
      const isInWorkspace = route.path.startsWith('/v1/workspaces/{id}')
      const mayShare = !isInWorkspace || (operation?.effect ?? (route.method === 'GET' ? 'read' : 'write')) === 'read'
      const workspace = mayShare ? shared : await service.open(ground.repo)
      for (const step of isInWorkspace ? (operation?.exampleAfter ?? []) : [])
        assert.equal((await send(`${workspace}/operations/${step.operation}`, step.input)).status, 200)
      const response = await sendExample(route, workspace)
      const code = response.ok ? null : ((await response.clone().json()) as { code: string }).code
      // Without a workspace what changes one is refused, and the refusal is described as well.
      const isRefused = !isInWorkspace && operation !== undefined && !isOneShot(operation)
      assert.equal(code, isRefused ? 'needs_workspace' : null)
      assert.equal(await complaintAbout(route, response), null)
      // The example of closing has done it already.
      if (!mayShare) await fetch(service.url + workspace, { method: 'DELETE' })
    })
  }
})

function isOneShot({ effect, example, input, ...operation }: (typeof operations)[number]): boolean {
  return effect === 'read' || operation.isOneShot?.(input.parse(example)) === true
}

function send(path: string, body: unknown, init: RequestInit = {}): Promise<Response> {
  const headers = { 'content-type': 'application/json' }
  return fetch(service.url + path, { method: 'POST', headers, body: JSON.stringify(body), ...init })
}

async function sendExample(
  { method, path, parameters = [], requestBody }: Route,
  workspace: string,
): Promise<Response> {
  const id = path.startsWith('/v1/images') ? await imageId() : workspace.slice(workspace.lastIndexOf('/') + 1)
  const examples = new Map(parameters.map(({ name, example }) => [name, example]))
  const target = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => (name === 'id' ? id : String(examples.get(name))))
  const [type, content] = Object.entries(requestBody?.content ?? {})[0] ?? []
  if (type === undefined) return fetch(service.url + target, { method })
  const { example } = content as { example: Readonly<Record<string, unknown>> | string }
  if (typeof example === 'string')
    return fetch(service.url + target, { method, headers: { 'content-type': type }, body: example })
  if (path.startsWith('/v1/hooks/'))
    return send(target, example, { headers: { ...githubHeaders(JSON.stringify(example)), ...gitlabHeaders() } })
  return send(target, 'repo' in example ? { ...example, repo: realRepo(example['repo']) } : example, { method })
}

function realRepo(repo: unknown): string {
  assert.equal(repo, exampleRepo)
  return ground.repo
}

async function imageId(): Promise<string> {
  const { value } = (await (await fetch(`${service.url}/v1/images`)).json()) as { value: readonly { id: string }[] }
  return value[0]?.id ?? ''
}
