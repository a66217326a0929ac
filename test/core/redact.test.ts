import assert from 'node:assert/strict'
import { test } from 'node:test'
import { redact, redactDeep } from '../../src/core/redact.ts'

test('secrets in text are hidden, whatever form they have, and what is around them stays', () => {
  for (const [text, expected] of [
    ['see https://robot:hunter2@host/a/b.git', 'see https://[hidden]@host/a/b.git'],
    ['https://oauth2@host', 'https://[hidden]@host'],
    ['GET /x?token=hunter2&page=hunter2#y', 'GET /x?token=[hidden]&page=[hidden]#y'],
    ['Basic cm9ib3Q6aHVudGVyMg==', 'Basic [hidden]'],
    ['sent Bearer hunter2-hunter2 to it', 'sent Bearer [hidden] to it'],
    ['Authorization: token abcdef0123456789', 'Authorization: [hidden] [hidden]'],
    ['{"password": "hunter2"}', '{"password": "[hidden]"}'],
    ['ghp_hunter2hunter2 and glpat-hunter2hunter2', '[hidden] and [hidden]'],
    ['key whsec_aHVudGVyMmh1bnRlcjI=', 'key [hidden]'],
    ['eyJodW50ZXIy.eyJodW50ZXIy.c2ln', '[hidden]'],
    ['-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----!', '[hidden]!'],
    ['Cannot fetch https://host/a: the token expired', 'Cannot fetch https://host/a: the token expired'],
  ] as const)
    assert.equal(redact(text), expected)
})

test('secrets under telling names and in lists are hidden at any depth; figures and flags stay', () => {
  const hidden = '[hidden]'
  assert.deepEqual(
    redactDeep({
      headers: { Authorization: ['hunter2'], 'git-authorization': { value: 'hunter2' }, accept: 'text/html' },
      raw: ['Cookie', 'hunter2', 'Accept', 'text/html'],
      list: [{ deep: [{ apiKey: 'hunter2' }] }],
      hasAuthorization: true,
      tokens: 3,
      'https://a:hunter2@host': null,
    }),
    {
      headers: { Authorization: hidden, 'git-authorization': hidden, accept: 'text/html' },
      raw: ['Cookie', hidden, 'Accept', 'text/html'],
      list: [{ deep: [{ apiKey: hidden }] }],
      hasAuthorization: true,
      tokens: 3,
      'https://[hidden]@host': null,
    },
  )
})

test('text that is made to take long takes no time', () => {
  for (const piece of ['://', 'eyJ', 'token=', '?a=', 'Bearer ', '-----BEGIN PRIVATE KEY-----', 'x@']) {
    const startedAt = performance.now()
    assert(redact(piece.repeat(1_000_000 / piece.length)).length < 40_000)
    assert(performance.now() - startedAt < 1000, piece)
  }
})
