import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Service } from '../../src/cli/doors.ts'
import { composeService } from '../../src/compose.ts'
import { parseSettings } from '../../src/config.ts'
import { onSpan, type Span } from '../../src/core/spans.ts'
import { makeGround } from '../support/engine-repository.ts'
import { leftovers } from '../support/leftovers.ts'
import { makeRepository } from '../support/repository.ts'
import { keyOf, writeKeys } from '../support/tenants.ts'
import { githubHeaders, githubPush, gitlabHeaders, gitlabPush, signedHeaders } from '../support/webhooks.ts'
import { hookSecret, writeHookSecrets } from '../support/webhooks.ts'

const ground = makeGround((source) => source.commit({ files: { 'README.md': '# Ground\n' } }))
const lines: string[] = []
let service: Service
let url: string

before(async () => {
  const other = await makeRepository(`${ground.home.dir}/other.git`, { bare: true })
  await other.commit({ files: { 'README.md': '# Other\n' } })
  const [apiKeysFile, hookSecretsFile] = [`${ground.home.dir}/keys.json`, `${ground.home.dir}/hooks.json`]
  writeKeys(apiKeysFile, { acme: { isOperator: true } })
  writeHookSecrets(hookSecretsFile)
  const settings = parseSettings({ ...ground.home.settings, apiKeysFile, hookSecretsFile, log: 'debug' })
  const logTo = { write: (line: string) => lines.push(line) > 0 }
  service = await composeService(settings, {}, { version: '0.0.0', logTo })
  url = await service.listen({ host: '127.0.0.1', port: 0 })
})
after(async () => {
  await service.close()
  assert.deepEqual(leftovers(ground.home), [])
})

type Sent = Readonly<Record<string, string>>

/** Announces, with a proof unless others are given, and gives status and code. */
async function announce(kind: 'github' | 'gitlab', body: string, headers?: Sent): Promise<readonly [number, string]> {
  const proof = kind === 'github' ? githubHeaders(body) : signedHeaders(body)
  const response = await fetch(`${url}/v1/hooks/${kind}`, { method: 'POST', headers: headers ?? proof, body })
  const text = await response.text()
  return [response.status, response.ok ? text : (JSON.parse(text) as { code: string }).code]
}

async function ask(method: string, path: string, input?: object) {
  const authorization = `Bearer ${keyOf('acme')}`
  const json = { headers: { authorization, 'content-type': 'application/json' }, body: JSON.stringify(input) }
  const response = await fetch(url + path, { method, ...(input === undefined ? { headers: { authorization } } : json) })
  assert(response.ok, path)
  const said: unknown = response.status === 204 ? null : await response.json()
  return said as {
    value: { id: string; commit: string }
    receipt: { commit: string; tier: string; bytesFetched: number }
  }
}

async function opened() {
  const { value, receipt } = await ask('POST', '/v1/workspaces', { repo: ground.repo })
  return { workspace: `/v1/workspaces/${value.id}`, receipt }
}

/** The end of the next work in the background, whoever announced it. */
function refreshed(): Promise<Span> {
  return new Promise((resolve) => {
    const stop = onSpan((span) => {
      if (span.name !== 'warm-up') return
      stop()
      resolve(span)
    })
  })
}

/** Pushes a commit that nobody knew, as somebody elsewhere would. */
async function push(): Promise<string> {
  const { workspace } = await opened()
  await ask('POST', `${workspace}/operations/commit`, { message: 'More', allowEmpty: true })
  const { value } = await ask('POST', `${workspace}/operations/push`, { branch: 'main' })
  await ask('DELETE', workspace)
  return value.commit
}

const taken = [202, '{"value":null}'] as const
const unsigned = [401, 'hook_unsigned'] as const
const replayed = [409, 'hook_replayed'] as const

/** Pushes differ in more than is read of them. */
let pushes = 0
const news = () => ({ pushed_at: (pushes += 1) })

for (const kind of ['github', 'gitlab'] as const) {
  test(`what ${kind} announces is there before the next open, which fetches nothing`, async () => {
    await ask('DELETE', (await opened()).workspace)
    const pushed = await push()
    const done = refreshed()
    const body = kind === 'github' ? githubPush(ground.repo, news()) : gitlabPush(ground.repo, news())
    assert.deepEqual(await announce(kind, body), taken)
    const { outcome, attributes } = await done
    assert.deepEqual([outcome, attributes.count], ['ok', 1])
    ground.server.forgetRequests()
    const { workspace, receipt } = await opened()
    assert.deepEqual([receipt.commit, receipt.tier, receipt.bytesFetched], [pushed, 'image', 0])
    assert.equal(ground.server.count('fetch'), 0)
    await ask('DELETE', workspace)
  })
}

test('what is announced in another way, or is nothing to fetch, is answered alike and makes no work', async () => {
  const spans: Span[] = []
  const stop = onSpan((span) => span.name === 'warm-up' && spans.push(span))
  ground.server.forgetRequests()
  const unknown = ground.server.url('other')
  const zeros = '0'.repeat(40)
  const ping = '{"zen":"Keep it logically awesome."}'
  assert.deepEqual(await announce('github', ping, githubHeaders(ping, { event: 'ping' })), taken)
  assert.deepEqual(await announce('github', githubPush(unknown)), taken)
  assert.deepEqual(await announce('github', githubPush('https://example.com/nobody/knows')), taken)
  assert.deepEqual(await announce('github', githubPush(ground.repo, { after: zeros, deleted: true })), taken)
  assert.deepEqual(await announce('gitlab', gitlabPush(ground.repo, { after: zeros, checkout_sha: null })), taken)
  assert.deepEqual(await announce('gitlab', '{"object_kind":"issue"}'), taken)
  assert.deepEqual(spans, [])
  // A plain token serves as well; a ref that nobody asked for is not brought.
  const gone = gitlabPush(ground.repo, { ...news(), ref: 'refs/heads/gone' })
  const done = refreshed()
  assert.deepEqual(await announce('gitlab', gone, gitlabHeaders()), taken)
  const { outcome, attributes } = await done
  assert.deepEqual([outcome, attributes.count], ['ok', 0])
  assert.equal(spans.length, 1)
  assert.equal(ground.server.requests.filter(({ path }) => path.startsWith('/other')).length, 0)
  stop()
})

test('none, a wrong and another’s signature are refused in the same words, before anything is read', async () => {
  const body = 'no JSON'
  const json = { 'content-type': 'application/json' }
  const said = new Set<string>()
  for (const [kind, headers] of [
    ['github', json],
    ['github', githubHeaders(body, { secret: 'guessed-secret-0123' })],
    ['github', githubHeaders(`${body} `)],
    ['github', gitlabHeaders()],
    ['github', { ...json, authorization: `Bearer ${keyOf('acme')}` }],
    ['gitlab', json],
    ['gitlab', gitlabHeaders('1', 'guessed-token-0123')],
    ['gitlab', gitlabHeaders('1', hookSecret.github)],
    ['gitlab', signedHeaders(`${body} `)],
    ['gitlab', signedHeaders(body, { key: `whsec_${Buffer.alloc(32).toString('base64')}` })],
  ] as const) {
    const response = await fetch(`${url}/v1/hooks/${kind}`, { method: 'POST', headers, body })
    assert.equal(response.status, 401)
    said.add(await response.text())
  }
  assert.equal(said.size, 1)
  assert.match([...said].join(), /"code":"hook_unsigned"/)
  assert.deepEqual(await announce('github', body), [400, 'input_invalid'])
})

test('what was taken is refused when it comes again, under another delivery id too, and what is old always', async () => {
  const body = githubPush(ground.server.url('other'), news())
  assert.deepEqual(await announce('github', body), taken)
  assert.deepEqual(await announce('github', body), replayed)
  assert.deepEqual(await announce('github', body, { ...githubHeaders(body), 'x-github-delivery': 'new' }), replayed)
  const other = gitlabPush(ground.server.url('other'), news())
  const signed = signedHeaders(other)
  assert.deepEqual(await announce('gitlab', other, signed), taken)
  assert.deepEqual(await announce('gitlab', other, signed), replayed)
  assert.deepEqual(await announce('gitlab', other, { ...signed, 'webhook-id': 'new' }), unsigned)
  const old = signedHeaders(other, { at: Date.now() - 600_000 })
  assert.deepEqual(await announce('gitlab', other, old), replayed)
  const now = String(Math.floor(Date.now() / 1000))
  assert.deepEqual(await announce('gitlab', other, { ...old, 'webhook-timestamp': now }), unsigned)
  assert.deepEqual(await announce('gitlab', other, gitlabHeaders('1')), taken)
  assert.deepEqual(await announce('gitlab', other, gitlabHeaders('1')), replayed)
  assert.deepEqual(await announce('gitlab', other, gitlabHeaders('2')), taken)
})

test('a signed body is bounded in its size, its form and where it points to', async () => {
  const post = (body: string) => announce('github', body)
  assert.deepEqual(await post('{'), [400, 'input_invalid'])
  assert.deepEqual(await post('['.repeat(100_000)), [400, 'input_invalid'])
  assert.deepEqual(await post(githubPush(ground.repo, { ref: 'refs/heads/../x' })), [400, 'ref_invalid'])
  assert.deepEqual(await post(githubPush('https://169.254.169.254/latest')), [403, 'host_forbidden'])
  assert.deepEqual(await post(githubPush('https://user:pass@example.com/a/b')), [400, 'url_invalid'])
  assert.deepEqual(await post(githubPush(ground.source.dir)), [400, 'url_invalid'])
  // What failed was not taken.
  assert.deepEqual(await post('{'), [400, 'input_invalid'])
  assert.deepEqual(await post(githubPush(ground.repo, { more: 'x'.repeat(9_000_000) })), [413, 'body_too_large'])
  const form = { ...githubHeaders('payload=x'), 'content-type': 'application/x-www-form-urlencoded' }
  assert.deepEqual(await announce('github', 'payload=x', form), [415, 'media_type_unsupported'])
})

test('no secret, token or signature is in the log, and refusals are counted', async () => {
  const text = lines.join('')
  assert.match(text, /"route":"\/v1\/hooks\/github","status":401.*"code":"hook_unsigned"/)
  assert.doesNotMatch(text, /hunter2|whsec_|sha256=|v1,|guessed/)
  assert(!text.includes(hookSecret.signing.slice(6)))
  const metrics = await (
    await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${keyOf('acme')}` } })
  ).text()
  assert.match(
    metrics,
    /^forkyard_http_requests_total\{method="POST",route="\/v1\/hooks\/github",status="4xx"\} [1-9]/m,
  )
})

test('a kind without secrets is no route, whatever it is sent', async (t) => {
  const hookSecretsFile = `${ground.home.dir}/gitlab-only.json`
  writeHookSecrets(hookSecretsFile, { gitlab: [hookSecret.token] })
  const lone = await composeService(
    parseSettings({ ...ground.home.settings, hookSecretsFile }),
    {},
    { version: '0.0.0' },
  )
  t.after(() => lone.close())
  const base = await lone.listen({ host: '127.0.0.1', port: 0 })
  const body = githubPush(ground.repo, news())
  const post = async (path: string, headers: Sent) => {
    const response = await fetch(base + path, { method: 'POST', headers, body })
    return [response.status, await response.text()]
  }
  const nowhere = await post('/v1/hooks/nowhere', githubHeaders(body))
  assert.equal(nowhere[0], 404)
  assert.deepEqual(await post('/v1/hooks/github', githubHeaders(body)), nowhere)
  assert.equal((await post('/v1/hooks/gitlab', gitlabHeaders()))[0], 202)
})
