import assert from 'node:assert/strict'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { hasCode, type ErrorCode } from '../../src/core/errors.ts'
import type { Engine } from '../../src/engine/contract.ts'
import { closedPort } from '../support/ask-refs.ts'
import { makeHome } from '../support/engine-home.ts'
import { startGitServer, type GitServer } from '../support/git-server.ts'
import { leftovers } from '../support/leftovers.ts'
import { makeRepository } from '../support/repository.ts'

const home = makeHome()
/** The same state directory without the exception for 127.0.0.1 that all these tests need. */
const strict = { allowHosts: [] }
let server: GitServer
let engine: Engine
let repo: string

before(async () => {
  const source = await makeRepository(`${home.dir}/good.git`, { bare: true })
  await source.commit({ files: { 'a/b': 'b\n' } })
  await makeRepository(`${home.dir}/empty.git`, { bare: true })
  server = await startGitServer({ root: home.dir })
  engine = await home.open()
  repo = server.url('good')
})
after(() => server.close())

async function assertRefused(work: Promise<unknown>, code: ErrorCode, what: string): Promise<void> {
  const error = await work.then(
    () => assert.fail(`${what} was accepted`),
    (thrown: unknown) => thrown,
  )
  assert(hasCode(error, code), `${what}: ${String(error)}`)
  // oxlint-disable-next-line no-control-regex -- these must not come through
  assert.doesNotMatch(error.message, /[\u0000-\u001f\u007f]/)
}

function assertNothingMade(): void {
  assert.deepEqual(leftovers(home), [])
  assert.deepEqual(readdirSync(`${home.settings.stateDir}/images`), [])
}

test('addresses that are no public https repositories are refused in every notation, before anything is asked', async () => {
  const guarded = await home.open(strict)
  const refused: [string, ErrorCode][] = [
    ...['10.0.0.1', '127.0.0.1', '169.254.169.254', '100.100.100.200', '192.168.1.1', '0.0.0.0', '[::1]'].map(
      (host) => [`https://${host}/a/b`, 'host_forbidden'] as [string, ErrorCode],
    ),
    ...['[::ffff:127.0.0.1]', '[fd00:ec2::254]', '[fe80::1]', '[64:ff9b::7f00:1]', '[2002:7f00:1::]'].map(
      (host) => [`https://${host}/a/b`, 'host_forbidden'] as [string, ErrorCode],
    ),
    ['https://localhost/a/b', 'host_forbidden'],
    ...['2130706433', '0x7f.1', '0177.0.0.1', '127.1', '127.0.0.1.'].map(
      (host) => [`https://${host}/a/b`, hostCode(host)] as [string, ErrorCode],
    ),
    ['http://example.com/a/b', 'url_invalid'],
    ['ext::sh -c "touch x"', 'url_invalid'],
    ['fd::3', 'url_invalid'],
    ['git://example.com/a', 'url_invalid'],
    ['ssh://git@example.com/a', 'url_invalid'],
    ['git@example.com:a/b', 'url_invalid'],
    ['ssh://-oProxyCommand=x/a', 'url_invalid'],
    ['ftp://example.com/a', 'url_invalid'],
    ['https://user:pw@example.com/a', 'url_invalid'],
    ['https://example.com/a?b', 'url_invalid'],
    ['https://example.com/a#b', 'url_invalid'],
    ['https://example.com/../a', 'url_invalid'],
    ['https://example.com/a%0d%0ab', 'url_invalid'],
    ['https://example.com/a\r\nb', 'url_invalid'],
    ['https://example.com\\@127.0.0.1/a', 'url_invalid'],
    ['https://', 'url_invalid'],
    ['', 'input_invalid'],
  ]
  for (const [target, code] of refused)
    await assertRefused(guarded.run('log', { repo: target }), code, JSON.stringify(target))
  await assertRefused(guarded.run('log', { repo }), 'host_forbidden', 'http on loopback')
  assertNothingMade()
})

/** Some odd notations are numbers to WHATWG and so are recognised as what they lead to. */
function hostCode(host: string): ErrorCode {
  const { hostname } = new URL(`https://${host}/`)
  return hostname === '127.0.0.1' ? 'host_forbidden' : 'url_invalid'
}

test('a host that only the list of allowed ones lacks is host_forbidden', async () => {
  const only = await home.open({ onlyHosts: ['example.com'] })
  await assertRefused(only.run('log', { repo }), 'host_forbidden', 'another host')
  assertNothingMade()
})

test('a server that is not there, refuses, or is none is told apart', async () => {
  const port = await closedPort()
  await assertRefused(engine.run('log', { repo: `http://127.0.0.1:${port}/a` }), 'remote_unreachable', 'a closed port')
  await assertRefused(engine.run('log', { repo: 'https://no-such-host.invalid/a' }), 'host_unknown', 'an unknown host')
  await assertRefused(engine.run('log', { repo: server.url('nowhere') }), 'repo_not_found', 'no repository')
  const faults: [number, ErrorCode][] = [
    [401, 'auth_required'],
    [403, 'access_denied'],
    [404, 'repo_not_found'],
    [429, 'remote_failed'],
    [503, 'remote_failed'],
  ]
  for (const [status, code] of faults) {
    server.fault = { kind: 'status', status }
    // A repository of its own each: what keeps failing is left alone for a while.
    const faulty = server.url(`answers-${status}`)
    await assertRefused(engine.run('log', { repo: faulty }), code, String(status))
    await assertRefused(engine.exec({ repo: faulty, argv: ['true'] }), code, String(status))
  }
  for (const kind of ['html', 'dumb'] as const) {
    server.fault = { kind }
    await assertRefused(engine.run('log', { repo }), 'remote_invalid', kind)
  }
  server.fault = null
  assertNothingMade()
})

test('refs that do not exist or cannot be are told apart, and none reaches git as a flag', async () => {
  const refused: [string, ErrorCode][] = [
    ['nothing', 'ref_not_found'],
    ['refs/heads/nothing', 'ref_not_found'],
    ['refs/pull/1/head', 'ref_not_found'],
    ['main$(touch${IFS}x)', 'ref_not_found'],
    ...[
      '-x',
      '--output=/tmp/x',
      '--upload-pack=x',
      'a..b',
      'a b',
      'a\n',
      'a\u0000',
      '\u001b[2J',
      'a.lock',
      '/a',
      'a/',
      '',
    ].map((ref) => [ref, 'ref_invalid'] as [string, ErrorCode]),
    ...['@{1}', 'main@{yesterday}', ':/fix', 'main^{tree}', 'main:a', '^main', 'abc~'].map(
      (ref) => [ref, 'ref_invalid'] as [string, ErrorCode],
    ),
  ]
  for (const [ref, code] of refused) {
    await assertRefused(engine.run('log', { repo, ref }), code, JSON.stringify(ref))
    await assertRefused(engine.exec({ repo, ref, argv: ['true'] }), code, JSON.stringify(ref))
  }
  for (const revision of ['-x', 'main~x', 'main@{1}', 'main^{}'])
    await assertRefused(engine.run('log', { repo, revision }), 'ref_invalid', revision)
  assertNothingMade()
})

test('paths outside of the repository or in .git are refused', async () => {
  const bad = [
    '/etc/passwd',
    '../x',
    'a/../../x',
    'a//b',
    './a',
    '.git/config',
    'a/.GIT/x',
    'GIT~1',
    '.g\u200cit',
    'a\u0000b',
    '',
  ]
  for (const path of bad) {
    for (const name of ['read-file', 'blame', 'list-files', 'log'])
      await assertRefused(engine.run(name, { repo, path }), 'path_invalid', JSON.stringify(path))
    await assertRefused(engine.run('grep', { repo, pattern: 'x', paths: [path] }), 'path_invalid', JSON.stringify(path))
  }
  assertNothingMade()
})

test('what an operation does not know, or knows otherwise, is input_invalid', async () => {
  const bad: [string, Record<string, unknown>][] = [
    ['log', { limit: 0 }],
    ['log', { limit: 'many' }],
    ['log', { unknown: 1 }],
    ['log', { deadlineMs: 0 }],
    ['log', { maxStalenessMs: -1 }],
    ['grep', { pattern: '' }],
    ['grep', { pattern: 'a\nb' }],
    ['blame', {}],
    ['diff', {}],
  ]
  for (const [name, input] of bad)
    await assertRefused(engine.run(name, { repo, ...input }), 'input_invalid', `${name} ${JSON.stringify(input)}`)
  await assertRefused(engine.run('no-such', { repo }), 'operation_unknown', 'no operation')
  // A name that leads to another file of the state directory is no image either.
  writeFileSync(`${home.settings.stateDir}/other.json`, '{}')
  await assertRefused(engine.drop('../other'), 'image_not_found', 'another file')
  assert(existsSync(`${home.settings.stateDir}/other.json`))
  assertNothingMade()
})

test('the command line says so with its exit codes and one JSON problem, reads no stdin, and leaves nothing', async () => {
  const cases: [argv: string[], exit: number, code: ErrorCode][] = [
    [['log', server.url('empty')], 1, 'repo_empty'],
    [['run', server.url('empty'), '--', 'true'], 125, 'repo_empty'],
    [['run', server.url('nowhere'), '--', 'true'], 125, 'repo_not_found'],
    [['log', repo, '--ref=-x'], 2, 'ref_invalid'],
    [['read-file', repo, '--path=../x'], 2, 'path_invalid'],
    [['log', 'ext::sh -c touch'], 2, 'url_invalid'],
    [['log', '/nonexistent'], 1, 'repo_not_found'],
  ]
  const ends = cases.map(async ([argv, exit, code]) => {
    // What belongs to the program stands after "--".
    const { code: ended, stdout, stderr } = await home.forkyard([argv[0] ?? '', '--json', ...argv.slice(1)])
    assert.deepEqual([ended, stdout, (JSON.parse(stderr) as { code: string }).code], [exit, '', code], argv.join(' '))
  })
  await Promise.all(ends)
  assertNothingMade()
})
