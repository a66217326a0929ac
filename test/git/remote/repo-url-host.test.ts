import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { hasCode, type ErrorCode } from '../../../src/core/errors.ts'
import { namesHost, parseRepo, type RepoRules } from '../../../src/git/remote/repo-url.ts'

const strict: RepoRules = { allowHosts: [], onlyHosts: [], allowLocal: false }

function assertRefused(code: ErrorCode, texts: readonly string[], rules: RepoRules = strict) {
  for (const text of texts) {
    assert.throws(
      () => parseRepo(text, rules),
      (error) => hasCode(error, code),
      inspect(text),
    )
  }
}

test("Node's own parser reads some of these as another host or repository", () => {
  assert.equal(new URL('https://github.com\\@127.0.0.1/').hostname, 'github.com')
  assert.equal(new URL('https://\u017f.com/a').hostname, 's.com')
  assert.equal(new URL('https://example.com/a\n/b').pathname, '/a/b')
  assert.equal(new URL('https://example.com/a/../b').pathname, '/b')
  assert.equal(new URL('https://example\u3002com/a').hostname, 'example.com')
})

test('a host has to be written in its plain form', () => {
  const hosts = [
    '\u017f.com',
    'example\u3002com',
    'b\u00fccher.example',
    'example.com.',
    '.example.com',
    'a..b',
    '-a.com',
    'a-.com',
    'a_b.com',
  ]
  assertRefused(
    'url_invalid',
    [...hosts, 'exa%6dple.com', '[::1', '8.8.8.8.', '134744072', '0x8.8.8.8'].map((host) => `https://${host}/a`),
  )
  assert.equal(parseRepo('https://xn--bcher-kva.example/a', strict).key, 'https://xn--bcher-kva.example/a')
})

test('private addresses are refused in every notation', () => {
  const loopback = [
    '127.0.0.1',
    '2130706433',
    '0x7f000001',
    '017700000001',
    '127.1',
    '0177.0.0.1',
    '0x7f.1',
    '127.0.0.1.',
  ]
  for (const host of loopback) assert.equal(new URL(`https://${host}/`).hostname, '127.0.0.1', host)
  const others = ['0', '10.0.0.1', '192.168.1.1', '169.254.169.254', '2852039166', '0xa9fea9fe', '100.100.100.200']
  const wide = [
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[0:0:0:0:0:ffff:7f00:1]',
    '[fd00:ec2::254]',
    '[64:ff9b::a9fe:a9fe]',
    '[2002:7f00:1::]',
  ]
  assertRefused(
    'host_forbidden',
    [...loopback, ...others, ...wide].map((host) => `https://${host}/a`),
  )
})

test('an allowed host may be private and may be reached over http, on the named port only', () => {
  const rules = { ...strict, allowHosts: ['127.0.0.1:8080', '::1', 'Git.Local'] }
  for (const text of [
    'http://127.0.0.1:8080/a',
    'https://[::1]:99/a',
    'http://git.local/a',
    'http://GIT.local:3000/a',
  ]) {
    const repo = parseRepo(text, rules)
    assert(repo.kind === 'http' && repo.isAllowed, text)
  }
  assert.equal(parseRepo('http://git.local:80/a', rules).key, 'http://git.local/a')
  assertRefused('host_forbidden', ['http://127.0.0.1/a', 'https://127.0.0.1/a', 'http://127.0.0.1:8081/a'], rules)
  assertRefused('url_invalid', ['http://example.com/a', 'http://git.local.example.com/a'], rules)
})

test('with an allow-list every other host is refused', () => {
  const rules = { ...strict, onlyHosts: ['example.com'] }
  assert.equal(parseRepo('https://example.com/a', rules).kind, 'http')
  assertRefused('host_forbidden', ['https://github.com/a', 'https://sub.example.com/a', 'https://8.8.8.8/a'], rules)
})

test('an entry without a port names every port of a host', () => {
  assert.equal(namesHost(['a.b'], 'a.b', 1), true)
  assert.equal(namesHost(['a.b:2'], 'a.b', 1), false)
  assert.equal(namesHost(['[::1]:2'], '[::1]', 2), true)
})
