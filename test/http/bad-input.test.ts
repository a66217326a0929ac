import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isIntricate } from '../../src/http/json-body.ts'
import { makeGround } from '../support/engine-repository.ts'
import { runService } from '../support/running-service.ts'

const ground = makeGround((source) => source.commit({ files: { 'README.md': '# Ground\n' } }))
const service = runService(ground.home)

const log = '/v1/operations/log'
const quoted = (text: string): string => JSON.stringify(text)

/** How a request is answered, and that the answer is problem details without anything of the inside. */
async function refusal(path: string, init: RequestInit): Promise<readonly [number, string]> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(service.url + path, { method: 'POST', headers, ...init })
  assert.match(response.headers.get('content-type') ?? '', /^application\/problem\+json/)
  assert.match(response.headers.get('x-correlation-id') ?? '', /^[0-9a-f]{32}$/)
  const { code, ...rest } = (await response.json()) as { code: string }
  assert(JSON.stringify(rest).length < 20_000)
  assert.doesNotMatch(JSON.stringify(rest), /node_modules|\/src\/|Error:/)
  return [response.status, code]
}

/** The workspaces and images there are: what is refused makes none. */
async function made(): Promise<readonly unknown[]> {
  const [workspaces, images] = await Promise.all([ground.engine.workspaces(), ground.engine.images()])
  return [workspaces.length, images.length]
}

type Refused = readonly [body: string | Uint8Array<ArrayBuffer>, status: number, code: string]

const depth = 100_000
const bodies: Readonly<Record<string, Refused>> = {
  nothing: ['', 400, 'input_invalid'],
  'half an object': ['{"repo": ', 400, 'input_invalid'],
  'two objects': ['{}{}', 400, 'input_invalid'],
  null: ['null', 400, 'input_invalid'],
  'a list': ['[]', 400, 'input_invalid'],
  'a string': ['"log"', 400, 'input_invalid'],
  NaN: ['{"repo": NaN}', 400, 'input_invalid'],
  'a byte order mark alone': ['\ufeff', 400, 'input_invalid'],
  'no UTF-8 in a good field': [Buffer.from('{"repo": "https://127.0.0.1/\xff"}', 'latin1'), 400, 'input_invalid'],
  'no UTF-8': [Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]), 400, 'input_invalid'],
  'a lone surrogate in a repository': ['{"repo": "https://127.0.0.1/\\ud800"}', 400, 'url_invalid'],
  'an unknown field': ['{"repo": "https://127.0.0.1/a", "more": 1}', 400, 'input_invalid'],
  'a wrong type': ['{"repo": 5}', 400, 'input_invalid'],
  'a number as text': ['{"repo": "https://127.0.0.1/a", "limit": "5"}', 400, 'input_invalid'],
  'a number beyond all': ['{"repo": "https://127.0.0.1/a", "limit": 1e999}', 400, 'input_invalid'],
  'a field twice, the last bad': ['{"repo": "https://127.0.0.1/a", "repo": 5}', 400, 'input_invalid'],
  'a member __proto__': ['{"__proto__": {"repo": "https://127.0.0.1/a"}}', 400, 'input_invalid'],
  '__proto__ beside': ['{"repo": "https://127.0.0.1/a", "__proto__": {"limit": 1}}', 400, 'input_invalid'],
  'a member constructor': [
    '{"repo": "https://127.0.0.1/a", "constructor": {"prototype": {"x": 1}}}',
    400,
    'input_invalid',
  ],
  'deeply nested lists': ['['.repeat(depth) + ']'.repeat(depth), 400, 'input_invalid'],
  'deeply nested objects': ['{"repo":'.repeat(depth) + '1' + '}'.repeat(depth), 400, 'input_invalid'],
  'deeply nested in a field': [`{"repo": ${'['.repeat(depth)}${']'.repeat(depth)}}`, 400, 'input_invalid'],
  '10 MB': [quoted('x'.repeat(10_000_000)), 413, 'body_too_large'],
  '7 MB in one field': [`{"repo": ${quoted('x'.repeat(7_000_000))}}`, 400, 'input_invalid'],
  '50,000 unknown fields': [
    `{${Array.from({ length: 50_000 }, (_, at) => `"f${at}":1`).join()}}`,
    400,
    'input_invalid',
  ],
  '300,000 unknown fields': [
    `{${Array.from({ length: 300_000 }, (_, at) => `"f${at}":1`).join()}}`,
    400,
    'input_invalid',
  ],
}

for (const [name, [body, status, code]] of Object.entries(bodies)) {
  test(`a body of ${name} is refused as ${code}`, async () => {
    const before = await made()
    assert.deepEqual(await refusal(log, { body }), [status, code])
    assert.deepEqual(await refusal('/v1/workspaces', { body }), [status, code])
    assert.deepEqual(await made(), before)
    assert.equal(Object.hasOwn(Object.prototype, 'repo') || 'limit' in {} || 'x' in {}, false)
  })
}

test('structure is counted where JSON has it, not in its texts', () => {
  const isTooMuch = (json: string) => isIntricate(Buffer.from(json))
  assert.equal(isTooMuch(JSON.stringify({ a: '[{,'.repeat(200_000) })), false)
  assert.equal(isTooMuch(JSON.stringify([`${'\\\\'.repeat(3)}"[`.repeat(200_000)])), false)
  assert.equal(isTooMuch(JSON.stringify(Array(90_000).fill(1))), false)
  assert.equal(isTooMuch(JSON.stringify(Array(110_000).fill(1))), true)
  assert.equal(isTooMuch('['.repeat(64) + ']'.repeat(64)), false)
  assert.equal(isTooMuch('['.repeat(65)), true)
  assert.equal(isTooMuch('[{}]'.repeat(60)), false)
})

test('a byte order mark before a good body is no part of it', async () => {
  const response = await fetch(service.url + log, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: `\ufeff${JSON.stringify({ repo: ground.repo })}`,
  })
  assert.equal(response.status, 200)
})

test('large bodies leave no mark on the memory of the service', async () => {
  const body = quoted('x'.repeat(10_000_000))
  const nested = `{"repo": ${'['.repeat(1_000_000)}`
  const round = async (): Promise<number> => {
    for (let time = 0; time < 3; time += 1) {
      await refusal(log, { body })
      await refusal(log, { body: nested })
    }
    return process.memoryUsage().rss
  }
  await round()
  const before = await round()
  const after = Math.min(await round(), await round())
  assert(after - before < 64 * 1024 ** 2, `${before} bytes became ${after}`)
})

const headerTricks: Readonly<
  Record<string, readonly [init: RequestInit & { path?: string }, status: number, code: string]>
> = {
  'another type': [{ headers: { 'content-type': 'application/xml' }, body: '<a/>' }, 415, 'media_type_unsupported'],
  'a form': [{ body: new URLSearchParams({ repo: 'x' }), headers: {} }, 415, 'media_type_unsupported'],
  'a malformed type': [{ headers: { 'content-type': 'json' }, body: '{}' }, 415, 'media_type_unsupported'],
  'a compressed body': [
    { headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' }, body: 'not gzip' },
    400,
    'input_invalid',
  ],
  'an operation that is none': [{ path: '/v1/operations/nothing', body: '{}' }, 404, 'route_unknown'],
  'an operation named constructor': [{ path: '/v1/operations/constructor', body: '{}' }, 404, 'route_unknown'],
  'an operation named __proto__': [{ path: '/v1/operations/__proto__', body: '{}' }, 404, 'route_unknown'],
  'a method that is none of the route': [{ path: log, method: 'DELETE', headers: {} }, 404, 'route_unknown'],
  'a malformed address': [{ path: '/v1/workspaces/%ff/exec', body: '{}' }, 400, 'input_invalid'],
  'a workspace that never was': [{ path: '/v1/workspaces/ws_none/exec', body: '{}' }, 404, 'workspace_not_found'],
  'a workspace with a path': [{ path: '/v1/workspaces/..%2f..%2fx/exec', body: '{}' }, 404, 'workspace_not_found'],
  'a workspace named __proto__': [
    { path: '/v1/workspaces/__proto__/operations/status', body: '{}' },
    404,
    'workspace_not_found',
  ],
  'an image that never was': [{ path: '/v1/images/img_none', method: 'DELETE', headers: {} }, 404, 'image_not_found'],
  'an image with a path': [{ path: '/v1/images/..%2f..', method: 'DELETE', headers: {} }, 404, 'image_not_found'],
  'a credential of another kind': [
    {
      headers: { 'content-type': 'application/json', 'git-authorization': 'Bearer secret' },
      body: '{"repo": "https://127.0.0.1/a"}',
    },
    400,
    'input_invalid',
  ],
}

for (const [name, [{ path = log, ...init }, status, code]] of Object.entries(headerTricks)) {
  test(`a request with ${name} is refused as ${code}`, async () => {
    assert.deepEqual(await refusal(path, init), [status, code])
  })
}

test('a workspace that was closed is gone, to whoever closes it again and to whoever uses it', async () => {
  const workspace = await service.open(ground.repo)
  const both = await Promise.all([1, 2].map(() => fetch(service.url + workspace, { method: 'DELETE' })))
  assert.deepEqual(
    both.map(({ status }) => status).toSorted((a, b) => a - b),
    [204, 404],
  )
  assert.deepEqual(await refusal(workspace, { method: 'DELETE', headers: {} }), [404, 'workspace_not_found'])
  for (const path of ['/operations/status', '/exec', '/fork', '/extend', '/files/README.md'])
    assert.deepEqual(
      await refusal(workspace + path, path.startsWith('/files') ? { method: 'GET', headers: {} } : { body: '{}' }),
      [404, 'workspace_not_found'],
      path,
    )
})

const paths: Readonly<Record<string, string>> = {
  '..%2f..%2fetc%2fpasswd': 'path_invalid',
  'a/..%2f..': 'path_invalid',
  '.git/config': 'path_invalid',
  '.GIT/config': 'path_invalid',
  '.g%e2%80%8cit/config': 'path_invalid',
  'git~1/config': 'path_invalid',
  '%2fetc%2fpasswd': 'path_invalid',
  '%5c..%5cx': 'path_not_found',
  'a%00b': 'path_invalid',
  'a%': 'path_invalid',
  'a%zz': 'path_invalid',
  [`${'a/'.repeat(3000)}a`]: 'path_invalid',
  ['x'.repeat(256)]: 'path_invalid',
  'a%2fb': 'path_not_found',
  nowhere: 'path_not_found',
  'README.md/below': 'path_blocked',
}

test('no path leads out of a workspace, however it is written', async () => {
  const workspace = await service.open(ground.repo)
  for (const [path, code] of Object.entries(paths)) {
    const at = `${workspace}/files/${path}`
    assert.equal((await refusal(at, { method: 'GET', headers: {} }))[1], code, path)
    if (code === 'path_invalid') {
      assert.equal((await refusal(at, { method: 'PUT', headers: {}, body: 'x' }))[1], code, path)
      assert.equal((await refusal(at, { method: 'DELETE', headers: {} }))[1], code, path)
    }
  }
  await service.close(workspace)
})
