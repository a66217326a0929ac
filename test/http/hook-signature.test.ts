import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { mayBeVouchedFor, vouchedBy } from '../../src/http/hook-signature.ts'
import { githubHeaders, gitlabHeaders, hookSecret, signedHeaders } from '../support/webhooks.ts'

const text = '{"ref":"refs/heads/main"}'
const body = Buffer.from(text)
const other = 'another-secret-0123456789'
const { signing, token } = hookSecret

test('what other tools sign by either scheme holds', () => {
  const github = { 'x-hub-signature-256': 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17' }
  const greeting = { headers: github, body: Buffer.from('Hello, World!') }
  assert(vouchedBy('github', greeting, ["It's a Secret to Everybody"]) !== null)
  const headers = {
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  }
  const signed = { headers, body: Buffer.from('{"test": 2432232314}') }
  const vouched = vouchedBy('gitlab', signed, ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'])
  assert.equal(vouched?.signedAt, 1_614_265_330_000)
})

test('any of the secrets vouches, no other does, and none vouches for nothing', () => {
  const github = { headers: githubHeaders(text), body }
  const signed = { headers: signedHeaders(text), body }
  const plain = { headers: gitlabHeaders(), body }
  for (const [kind, delivery, good] of [
    ['github', github, hookSecret.github],
    ['gitlab', signed, signing],
    ['gitlab', plain, token],
  ] as const) {
    assert(mayBeVouchedFor(kind, delivery.headers, [other, good]))
    assert(vouchedBy(kind, delivery, [other, good]) !== null)
    for (const secrets of [[], [other], [`whsec_${Buffer.from(other).toString('base64')}`]])
      assert.equal(vouchedBy(kind, delivery, secrets), null)
  }
  assert.equal(vouchedBy('gitlab', github, [hookSecret.github]), null)
  assert(!mayBeVouchedFor('github', signed.headers, [hookSecret.github]))
  assert(!mayBeVouchedFor('gitlab', github.headers, [signing, token]))
  // A signing token is never what is sent itself.
  assert.equal(vouchedBy('gitlab', { headers: gitlabHeaders('1', signing), body }, [signing]), null)
})

test('a signature of the newer kind may be one of several, and a token serves where none holds', () => {
  const headers = signedHeaders(text)
  const wrong = `v1,${Buffer.alloc(32).toString('base64')}`
  const several = { ...headers, 'webhook-signature': `v1a,x ${wrong} ${headers['webhook-signature']}` }
  assert(vouchedBy('gitlab', { headers: several, body }, [signing]) !== null)
  const both = { headers: { ...gitlabHeaders(), ...headers, 'webhook-signature': wrong }, body }
  assert.equal(vouchedBy('gitlab', both, [signing]), null)
  assert(vouchedBy('gitlab', both, [signing, token]) !== null)
})

test('what is not signed does not tell one delivery from another; what is signed does', () => {
  const digest = (kind: 'github' | 'gitlab', headers: object, content = body) =>
    vouchedBy(kind, { headers: { ...headers }, body: content }, [hookSecret.github, signing, token])?.digest
  assert.equal(digest('github', githubHeaders(text)), digest('github', githubHeaders(text, { event: 'ping' })))
  assert.equal(digest('gitlab', gitlabHeaders('1')), digest('gitlab', gitlabHeaders('1')))
  assert.notEqual(digest('gitlab', gitlabHeaders('1')), digest('gitlab', gitlabHeaders('2')))
  const at = 1_000_000
  assert.equal(
    digest('gitlab', signedHeaders(text, { at, id: 'a' })),
    digest('gitlab', signedHeaders(text, { at, id: 'a' })),
  )
  assert.notEqual(
    digest('gitlab', signedHeaders(text, { at, id: 'a' })),
    digest('gitlab', signedHeaders(text, { at, id: 'b' })),
  )
})

test('with one bit of the body or of a proof changed, nothing is vouched for', () => {
  const kinds = ['github', 'webhook-signature', 'webhook-id', 'webhook-timestamp', 'x-gitlab-token'] as const
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(...kinds), fc.nat(), (bytes, what, at) => {
      const content = Buffer.from(bytes).toString('latin1')
      const [kind, headers, name] =
        what === 'github'
          ? (['github', githubHeaders(content), 'x-hub-signature-256'] as const)
          : (['gitlab', what === 'x-gitlab-token' ? gitlabHeaders() : signedHeaders(content), what] as const)
      const secrets = [hookSecret.github, signing, token]
      const check = (sent: object, said: string) =>
        vouchedBy(kind, { headers: { ...sent }, body: Buffer.from(said) }, secrets)
      assert(check(headers, content) !== null)
      const value = (headers as Record<string, string>)[name] ?? assert.fail()
      const place = at % value.length
      const changed = value.slice(0, place) + flipped(value.charCodeAt(place)) + value.slice(place + 1)
      assert.equal(check({ ...headers, [name]: changed }, content), null)
      if (what !== 'x-gitlab-token') assert.equal(check(headers, `${content} `), null)
    }),
  )
})

function flipped(code: number): string {
  return String.fromCharCode(code ^ 1)
}
