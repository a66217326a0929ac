import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { AppError, toProblem, type ErrorCode } from '../../../src/core/errors.ts'
import { namesHost, parseRepo, type RepoRules } from '../../../src/git/remote/repo-url.ts'

const strict: RepoRules = { allowHosts: [], onlyHosts: [], allowLocal: false }
const local: RepoRules = { ...strict, allowLocal: true }

function refused(text: string, rules: RepoRules = strict): AppError {
  try {
    parseRepo(text, rules)
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
  assert.fail(`accepted ${inspect(text)}`)
}

function assertRefused(code: ErrorCode, texts: readonly string[], rules: RepoRules = strict) {
  for (const text of texts) assert.equal(refused(text, rules).code, code, inspect(text))
}

test('equal repositories have one key', () => {
  const spellings = [
    'https://example.com/a/b',
    'HTTPS://EXAMPLE.com/a/b.git',
    'https://example.com:443/a/b/',
    'https://example.com/a/b.git/',
  ]
  for (const text of spellings) assert.equal(parseRepo(text, strict).key, 'https://example.com/a/b', text)
})

test('different repositories have different keys', () => {
  const texts = ['a/b', 'a/B', 'a/b/c', 'a/b.gi', 'a/bgit', 'a/b-', 'a/~b', 'a/.git'].map(
    (path) => `https://example.com/${path}`,
  )
  const keys = [...texts, 'https://example.com:8443/a/b', 'https://b.example.com/a/b'].map(
    (text) => parseRepo(text, strict).key,
  )
  assert.equal(new Set(keys).size, keys.length)
})

test('a repository on a server is taken apart', () => {
  assert.deepEqual(parseRepo('https://Example.com:8443/a/b.git', strict), {
    kind: 'http',
    url: 'https://example.com:8443/a/b',
    isSecure: true,
    host: 'example.com',
    port: 8443,
    authority: 'example.com:8443',
    path: '/a/b',
    isAllowed: false,
    key: 'https://example.com:8443/a/b',
  })
})

test('the canonical form is its own canonical form, and Node agrees about its host', () => {
  const part = fc.stringMatching(/^[A-Za-z0-9._~-]{1,12}$/)
  const path = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'))
  const host = fc.constantFrom('example.com', 'git.example.com', 'EXAMPLE.org', '8.8.8.8')
  const input = fc.tuple(host, path, fc.constantFrom('', ':443', ':8443'), fc.constantFrom('', '/', '.git', '.git/'))
  fc.assert(
    fc.property(input, ([name, tail, port, end]) => {
      const text = `https://${name}${port}/${tail}${end}`
      let repo
      try {
        repo = parseRepo(text, strict)
      } catch (error) {
        return error instanceof AppError && error.code === 'url_invalid'
      }
      assert(repo.kind === 'http')
      assert.deepEqual(parseRepo(repo.url, strict), repo)
      assert.equal(new URL(repo.url).hostname, repo.host)
      return new URL(repo.url).href === repo.url
    }),
  )
})

test('nothing that is accepted holds what another parser could read differently', () => {
  const text = fc.oneof(
    fc.webUrl(),
    fc.string({ unit: 'binary', maxLength: 40 }).map((tail) => `https://example.com/${tail}`),
  )
  fc.assert(
    fc.property(text, (given) => {
      try {
        const repo = parseRepo(given, strict)
        assert.match(repo.key, /^https:\/\/[a-z0-9.-]+(:\d+)?(\/[A-Za-z0-9._~-]+)+$/)
      } catch (error) {
        assert(error instanceof AppError && ['url_invalid', 'host_forbidden'].includes(error.code), inspect(given))
      }
    }),
  )
})

test('other transports are refused', () => {
  const texts = [
    'ext::sh -c touch% /tmp/x',
    'ext::x',
    'EXT::x',
    'fd::17/foo',
    'git://example.com/a',
    'ssh://git@example.com/a',
    'ssh://-oProxyCommand=x/a',
    'git+ssh://example.com/a',
    'git@example.com:a/b',
    'example.com:a/b',
    'ftp://example.com/a',
    'http://example.com/a',
    '-x',
    '--upload-pack=x',
    '',
    'javascript:alert(1)',
    'https:example.com/a',
    'https:/example.com/a',
    'https:///a',
  ]
  assertRefused('url_invalid', texts)
  assertRefused('url_invalid', texts, local)
})

test('paths and file:// are refused unless allowed', () => {
  assertRefused('url_invalid', ['/etc', '.', '../x', 'a/b', 'file:///etc', 'FILE:///etc'])
})

test('paths and file:// name a local repository where allowed', () => {
  assert.deepEqual(parseRepo('/a/b/', local), { kind: 'local', path: '/a/b', key: 'file:///a/b' })
  assert.equal(parseRepo('file:///a/b', local).key, 'file:///a/b')
  assert.equal(parseRepo('file://localhost/a/./b', local).key, 'file:///a/b')
  assert.equal(parseRepo('.', local).key, `file://${process.cwd()}`)
  assert.equal(parseRepo('/a b:c', local).key, 'file:///a b:c')
  assert.equal(parseRepo('file:///a%20b', local).key, 'file:///a b')
  assertRefused('url_invalid', ['file://host/a', 'file:a', 'file:///a%00b', 'file:///a%zz', '/a\nb', '/a\0b'], local)
})

test('credentials, queries, fragments and odd characters are refused', () => {
  const base = 'https://example.com'
  const texts = [
    'https://u:p@example.com/x',
    'https://u@example.com/x',
    'https://@example.com/x',
    'https://example.com:@evil.com/x',
    `${base}/x?token=1`,
    `${base}/x#y`,
    'https://example.com?x',
    'https://example.com#/x',
    `${base}/x%0d%0aHost:y`,
    `${base}/x%2f..%2fy`,
    `${base}/x%00`,
    ...['\r', '\n', '\0', '\t', '\u001b', '\u007f', ' ', '\u00a0', '\u202e', '\ufeff'].flatMap((c) => [
      `${base}/x${c}y`,
      `https://exam${c}ple.com/x`,
      `${base}/x${c}`,
      `${c}${base}/x`,
    ]),
    'https://github.com\\@127.0.0.1/',
    `${base}/a\\b`,
    `${base}//a`,
    `${base}/a//b`,
    `${base}/a//`,
    `${base}/a/./b`,
    `${base}/a/../b`,
    `${base}/..`,
    `${base}/.`,
    `${base}/a.git.git`,
    `${base}/a/..git`,
    `${base}/a/...git`,
    `${base}/`,
    base,
    `${base}:/`,
    `${base}:0x50/a`,
    `${base}:99999/a`,
    `${base}:-1/a`,
    `${base}/a;b`,
    `${base}/a*`,
    `${base}/${'a'.repeat(2048)}`,
  ]
  assertRefused('url_invalid', texts)
})

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

test('what was refused is not repeated: it may hold a secret', () => {
  const texts = [
    'https://user:hunter2@example.com/a',
    'https://example.com/a?key=hunter2',
    'https://example.com:hunter2/a',
    'ssh://hunter2@x/',
    'ext::hunter2',
  ]
  for (const text of texts) {
    const error = refused(text)
    assert.doesNotMatch(inspect(error, { depth: 9 }) + JSON.stringify(toProblem(error)), /hunter2/, text)
  }
})
