import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { AppError, toProblem, type ErrorCode } from '../../../src/core/errors.ts'
import { parseRepo, type RepoRules } from '../../../src/git/remote/repo-url.ts'

const strict: RepoRules = { allowHosts: [], onlyHosts: [], allowLocal: false }
const local: RepoRules = { ...strict, allowLocal: true }

function refused(text: string, rules: RepoRules = strict): AppError {
  try {
    parseRepo(text, rules)
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
  throw new Error(`accepted ${inspect(text)}`)
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
