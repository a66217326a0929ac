import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { basename } from 'node:path'
import type { Service } from '../../src/cli/doors.ts'
import { composeService } from '../../src/compose.ts'
import { parseSettings } from '../../src/config.ts'
import { makeGround } from '../support/engine-repository.ts'
import { leftovers } from '../support/leftovers.ts'
import { keyOf, writeKeys } from '../support/tenants.ts'

const ground = makeGround(async (source) => {
  await source.commit({ files: { 'README.md': '# Ground\n' } })
})
let service: Service
let url: string

interface Answered {
  readonly status: number
  readonly code: string | undefined
  readonly value: { readonly id: string; readonly expiresAt: string }
  readonly headers: Headers
  readonly text: string
}

async function ask(tenant: string | null, method: string, path: string, body?: object): Promise<Answered> {
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(tenant === null ? {} : { authorization: `Bearer ${keyOf(tenant)}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  const { code, value } = (text.startsWith('{') ? JSON.parse(text) : {}) as Answered
  return { status: response.status, headers: response.headers, code, value, text }
}

const open = (tenant: string) => ask(tenant, 'POST', '/v1/workspaces', { repo: ground.repo })

async function opened(tenant: string): Promise<string> {
  const { status, value } = await open(tenant)
  assert.equal(status, 201)
  return `/v1/workspaces/${value.id}`
}

describe('a service with keys', () => {
  before(async () => {
    const host = new URL(ground.repo).host
    const apiKeysFile = `${ground.home.dir}/keys.json`
    writeKeys(apiKeysFile, {
      acme: { workspaces: 2, programs: 1, repositories: [`${host}/${basename(new URL(ground.repo).pathname)}`] },
      rival: {},
      elsewhere: { hosts: ['git.example'] },
      fetched: { fetchBytesPerDay: 1 },
      slow: { ratePerSecond: 2 },
      operator: { isOperator: true },
    })
    service = await composeService(parseSettings({ ...ground.home.settings, apiKeysFile }), {}, { version: '0.0.0' })
    url = await service.listen({ host: '127.0.0.1', port: 0 })
  })
  after(async () => {
    await service.close()
    assert.deepEqual(leftovers(ground.home), [])
  })

  test('without a key in force no route says anything but that the service lives', async () => {
    const { text } = await ask('operator', 'GET', '/openapi.json')
    const { paths } = JSON.parse(text) as { paths: Record<string, Record<string, object>> }
    const routes = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => [method.toUpperCase(), path.replace(/\{[^}]*\}/g, 'x')] as const),
    )
    const answers = new Set<string>()
    for (const [method, path] of [...routes, ['GET', '/openapi.json'], ['GET', '/metrics'], ['GET', '/x']] as const) {
      if (['/healthz', '/readyz'].includes(path)) continue
      for (const tenant of [null, 'nobody']) {
        const { status, text: body, headers } = await ask(tenant, method, path)
        assert.equal(headers.get('www-authenticate'), 'Bearer', path)
        answers.add(`${status} ${body}`)
        if (answers.size > 1) assert.fail([...answers].join('\n'))
      }
    }
    assert.match([...answers].join(), /^401 .*"code":"key_required"/)
    assert.equal((await ask(null, 'GET', '/healthz')).status, 200)
  })

  test('what is another tenant’s is as unknown as what never was', async () => {
    const mine = await opened('acme')
    const shape = ({ status, text }: Answered) => [status, text]
    for (const [method, path, body] of [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/exec', { argv: ['true'] }],
      ['POST', '/fork', {}],
      ['POST', '/extend', { ttlMs: 5000 }],
      ['POST', '/operations/status', {}],
      ['GET', '/files/README.md'],
      ['PUT', '/files/README.md', { a: 1 }],
      ['DELETE', '/files/README.md'],
    ] as const) {
      const foreign = shape(await ask('rival', method, mine + path, body))
      assert.deepEqual(foreign, shape(await ask('rival', method, `/v1/workspaces/ws_${'0'.repeat(32)}${path}`, body)))
      assert.equal(foreign[0], 404, method + path)
    }
    assert.doesNotMatch((await ask('rival', 'GET', '/v1/workspaces')).text, /ws_/)
    assert.match((await ask('acme', 'GET', '/v1/workspaces')).text, /ws_/)
    assert.equal((await ask('acme', 'DELETE', mine)).status, 204)
  })

  test('images belong to all tenants together, and only an operator sees or removes them', async () => {
    await opened('rival').then((mine) => ask('rival', 'DELETE', mine))
    assert.deepEqual(
      await Promise.all([ask('rival', 'GET', '/v1/images'), ask('rival', 'DELETE', '/v1/images/x')]).then((all) =>
        all.map(({ status, code }) => [status, code]),
      ),
      [
        [403, 'operator_only'],
        [403, 'operator_only'],
      ],
    )
    assert.equal((await ask('operator', 'GET', '/v1/images')).status, 200)
    assert.equal((await ask('operator', 'DELETE', '/v1/images/x')).code, 'image_not_found')
  })

  test('what concerns all tenants is told to an operator; a tenant learns of itself, and others nothing', async () => {
    await ask('rival', 'POST', '/v1/operations/log', { repo: ground.repo, revision: 'of-rival' })
    assert.equal((await ask('rival', 'GET', '/metrics')).code, 'operator_only')
    assert.match((await ask('operator', 'GET', '/metrics')).text, /^forkyard_operations_total/m)
    const mine = await opened('acme')
    const state = async (tenant: string): Promise<Record<string, unknown>> => ({
      ...(await ask(tenant, 'GET', '/v1/state')).value,
    })
    const [ofRival, ofOperator] = [await state('rival'), await state('operator')]
    assert.deepEqual([ofRival['workspaces'], ofRival['shared'], ofRival['host']], [0, null, null])
    assert(Number(ofOperator['workspaces']) > 0 && ofOperator['shared'] !== null && ofOperator['host'] !== null)
    await ask('acme', 'DELETE', mine)
    const recent = async (tenant: string) => (await ask(tenant, 'GET', '/v1/operations/recent')).text
    assert.match(await recent('rival'), /of-rival/)
    assert.match(await recent('operator'), /of-rival/)
    assert.doesNotMatch(await recent('acme'), /of-rival/)
    assert.doesNotMatch((await ask(null, 'GET', '/readyz')).text, /degraded/)
  })

  test('a tenant is held to its hosts, its repositories and its bytes', async () => {
    assert.equal((await open('elsewhere')).code, 'repo_forbidden')
    const another = { repo: ground.server.url('another') }
    assert.equal((await ask('acme', 'POST', '/v1/workspaces', another)).code, 'repo_forbidden')
    // The image is there already: what costs nothing is not counted.
    const warm = await opened('fetched')
    assert.equal((await ask('fetched', 'POST', `${warm}/operations/fetch`, {})).status, 200)
    await ground.source.commit({ files: { 'new.txt': 'new\n' } })
    assert.equal((await ask('fetched', 'POST', `${warm}/operations/fetch`, {})).status, 200)
    await ground.source.commit({ files: { 'newer.txt': 'newer\n' } })
    const spent = await ask('fetched', 'POST', `${warm}/operations/fetch`, {})
    assert.deepEqual([spent.status, spent.code], [429, 'tenant_limit'])
    // What was just fetched is a day old tomorrow.
    assert(Number(spent.headers.get('retry-after')) > 22 * 3600)
    assert.equal((await ask('fetched', 'DELETE', warm)).status, 204)
  })

  test('a tenant has no more workspaces and programs than it may; others do not notice', async () => {
    const [one, two] = await Promise.all([opened('acme'), opened('acme')])
    const third = await open('acme')
    assert.deepEqual([third.status, third.code, third.headers.get('retry-after')], [429, 'tenant_limit', '1'])
    assert.equal((await ask('acme', 'POST', `${one}/fork`, {})).code, 'tenant_limit')
    const theirs = await opened('rival')
    const leaving = new AbortController()
    const running = await fetch(`${url}${one}/exec`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${keyOf('acme')}`,
        accept: 'application/x-ndjson',
        'content-type': 'application/json',
      },
      body: JSON.stringify({ argv: ['sh', '-c', 'echo up; sleep 100'] }),
      signal: leaving.signal,
    })
    await running.body?.getReader().read()
    assert.equal((await ask('acme', 'POST', `${two}/exec`, { argv: ['true'] })).code, 'tenant_limit')
    const oneShot = { repo: ground.repo, argv: ['true'] }
    assert.equal((await ask('acme', 'POST', '/v1/exec', oneShot)).code, 'tenant_limit')
    assert.equal((await ask('rival', 'POST', `${theirs}/exec`, { argv: ['true'] })).status, 200)
    leaving.abort()
    for (const [tenant, workspace] of [
      ['acme', one],
      ['acme', two],
      ['rival', theirs],
    ] as const)
      assert.equal((await ask(tenant, 'DELETE', workspace)).status, 204)
  })

  test('who tries keys is told to wait, and who has one is not held by it', async () => {
    let last: Answered
    let tries = 0
    do {
      const batch = await Promise.all(Array.from({ length: 50 }, () => ask('nobody', 'GET', '/v1/state')))
      last = batch.at(-1) ?? assert.fail()
      tries += 50
    } while (last.status === 401 && tries < 2000)
    assert.deepEqual([last.status, last.code], [429, 'rate_limited'])
    assert.equal((await ask('rival', 'GET', '/v1/workspaces')).status, 200)
  })

  test('who asks too often is told when to come again', async () => {
    const answers = await Promise.all(Array.from({ length: 6 }, () => ask('slow', 'GET', '/v1/workspaces')))
    const refused = answers.filter(({ status }) => status === 429)
    assert(refused.length >= 2)
    assert.deepEqual([refused[0]?.code, refused[0]?.headers.get('retry-after')], ['rate_limited', '1'])
    assert.equal((await ask('rival', 'GET', '/v1/workspaces')).status, 200)
  })
})
