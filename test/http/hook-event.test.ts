import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { AppError } from '../../src/core/errors.ts'
import { pushOf } from '../../src/http/hook-event.ts'
import { hookKinds, type HookKind } from '../../src/http/hook-secrets.ts'
import { githubPush, gitlabPush } from '../support/webhooks.ts'

const repo = 'https://example.com/team/project'
const zeros = '0'.repeat(40)
const event = { repo: `${repo}.git`, ref: 'refs/heads/main' }

function read(kind: HookKind, body: string, name = 'push') {
  return pushOf(kind, { headers: { 'x-github-event': name }, body: Buffer.from(body) })
}

test('a push of a branch or a tag is understood, whatever else it tells', () => {
  assert.deepEqual(read('github', githubPush(repo)), event)
  assert.deepEqual(read('gitlab', gitlabPush(repo)), event)
  const ref = 'refs/tags/v1'
  assert.deepEqual(read('github', githubPush(repo, { ref })), { ...event, ref })
  assert.deepEqual(read('gitlab', gitlabPush(repo, { ref, event_name: 'tag_push' })), { ...event, ref })
  assert.deepEqual(read('github', githubPush(repo, { after: 'ab'.repeat(32) })), event)
})

test('a deleted ref and other events are nothing to fetch', () => {
  assert.equal(read('github', githubPush(repo, { after: zeros, deleted: true })), null)
  assert.equal(read('gitlab', gitlabPush(repo, { after: zeros, checkout_sha: null })), null)
  for (const name of ['ping', 'issues', '']) assert.equal(read('github', githubPush(repo), name), null)
  assert.equal(pushOf('github', { headers: {}, body: Buffer.from('no JSON') }), null)
  assert.equal(read('gitlab', gitlabPush(repo, { event_name: 'repository_update' })), null)
  assert.equal(read('gitlab', '{"object_kind":"merge_request","event_type":"merge_request"}'), null)
})

test('a push that lacks something, or has it in another form, is refused', () => {
  for (const [kind, make, place] of [
    ['github', githubPush, 'repository'],
    ['gitlab', gitlabPush, 'project'],
  ] as const) {
    for (const [more, code] of [
      [{ ref: 'refs/heads/a..b' }, 'ref_invalid'],
      [{ ref: 5 }, 'input_invalid'],
      [{ after: 'abc' }, 'input_invalid'],
      [{ after: null }, 'input_invalid'],
      [{ [place]: {} }, 'input_invalid'],
      [{ [place]: 'x' }, 'input_invalid'],
      [{ [place]: { clone_url: 'x'.repeat(3000), git_http_url: 'x'.repeat(3000) } }, 'input_invalid'],
    ] as const)
      assert.throws(() => read(kind, make(repo, more)), { code }, JSON.stringify(more).slice(0, 80))
    for (const body of ['', '{', 'null', '[]', '5', '['.repeat(1000), '{"a":1}}'])
      assert.throws(() => read(kind, body), { code: 'input_invalid' }, body.slice(0, 20))
    assert.throws(
      () => pushOf(kind, { headers: { 'x-github-event': 'push' }, body: Buffer.from([0x22, 0xff, 0x22]) }),
      {
        code: 'input_invalid',
      },
    )
  }
})

test('whatever JSON comes, the answer is a push, nothing or a refusal that repeats nothing of it', () => {
  const names = fc.constantFrom('ref', 'after', 'repository', 'project', 'event_name', '__proto__', 'x')
  const value = fc.oneof(fc.jsonValue(), fc.constantFrom('push', zeros, 'secret-word', { clone_url: 'secret-word' }))
  fc.assert(
    fc.property(fc.constantFrom(...hookKinds), fc.dictionary(names, value), (kind, said) => {
      try {
        const push = read(kind, JSON.stringify(said))
        assert(push === null || (typeof push.ref === 'string' && typeof push.repo === 'string'))
      } catch (error) {
        assert(error instanceof AppError && ['input_invalid', 'ref_invalid'].includes(error.code))
        assert.doesNotMatch(error.message, /secret-word/)
      }
    }),
  )
})
