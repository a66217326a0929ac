import assert from 'node:assert/strict'
import { chown, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { hasCode, type ErrorCode } from '../../../src/core/errors.ts'
import { progressReader, type Progress } from '../../../src/core/progress.ts'
import { localRemote, type FetchPackOptions } from '../../../src/git/remote/local-remote.ts'
import { makeRepository, type Repository } from '../../support/repository.ts'

let root: string
let repository: Repository
let ids: string[]
const { signal } = new AbortController()

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'forkyard-local-'))
  repository = await makeRepository(join(root, 'a'))
  ids = []
  for (const text of ['1', '2', '3'])
    ids.push(await repository.commit({ files: { [`file-${text}`]: text.repeat(1000) } }))
})

after(async () => await rm(root, { recursive: true }))

function open(path: string) {
  return localRemote({ kind: 'local', path, key: path })
}

function withCode(code: ErrorCode) {
  return (error: unknown) => hasCode(error, code)
}

/** Fetches into a new repository and returns it with what was said on the way. */
async function fetchInto(name: string, options: Partial<FetchPackOptions>, target?: Repository) {
  const progress: Progress[] = []
  const { shallow, pack } = await open(repository.dir).fetchPack({
    wants: [ids[2] ?? ''],
    haves: [],
    shallow: [],
    depth: 'full',
    filter: 'none',
    signal,
    onProgress: progressReader((counter) => progress.push(counter)),
    ...options,
  })
  const into = target ?? (await makeRepository(join(root, name), { bare: true }))
  const cut = (await readFile(join(into.dir, 'shallow'), 'utf8').catch(() => '')).split('\n').filter(Boolean)
  const kept = [...cut.filter((id) => !shallow.unshallow.includes(id)), ...shallow.shallow]
  await writeFile(join(into.dir, 'shallow'), kept.map((id) => `${id}\n`).join(''))
  if (kept.length === 0) await rm(join(into.dir, 'shallow'))
  const bytes = Buffer.concat(await all(pack))
  await into.git(['index-pack', '--stdin', '--fix-thin'], { input: bytes })
  await into.git(['update-ref', 'refs/heads/main', options.wants?.[0] ?? ids[2] ?? ''])
  return { into, shallow, progress, bytes }
}

async function all(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const list: Uint8Array[] = []
  for await (const chunk of chunks) list.push(chunk)
  return list
}

/** Programs of git that were started for a repository and still run. */
async function programs(path: string): Promise<string[]> {
  const lines = await Promise.all(
    (await readdir('/proc'))
      .filter((name) => /^\d+$/.test(name))
      .map((id) => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')),
  )
  return lines.filter((line) => line.startsWith('git') && line.includes(path))
}

test('refs and abilities come from the repository itself, worktree or bare', async () => {
  const [bare] = [join(root, 'bare.git')]
  await repository.git(['clone', '--quiet', '--bare', '.', bare])
  for (const path of [repository.dir, bare, join(repository.dir, '.git')]) {
    const [head, main] = await open(path).lsRefs({ prefixes: ['HEAD', 'refs/heads/'], signal })
    assert.deepEqual(head, { name: 'HEAD', oid: ids[2], peeled: ids[2], symref: 'refs/heads/main' })
    assert.equal(main?.name, 'refs/heads/main')
    const abilities = { protocol: 2, objectFormat: 'sha1', hasFilter: true, hasShallow: true, hasAnyId: true }
    assert.deepEqual(await open(path).abilities({ signal }), abilities)
  }
})

test('a SHA-256 repository and an empty one are read', async () => {
  const wide = await makeRepository(join(root, 'wide'), { objectFormat: 'sha256' })
  assert.equal((await open(wide.dir).abilities({ signal })).objectFormat, 'sha256')
  assert.deepEqual(await open(wide.dir).lsRefs({ prefixes: [], signal }), [])
})

test('what is not a repository is repo_not_found', async () => {
  await writeFile(join(root, 'file'), 'x')
  for (const path of [join(root, 'missing'), root, join(root, 'file'), '/dev/null']) {
    await assert.rejects(open(path).lsRefs({ prefixes: [], signal }), withCode('repo_not_found'), path)
  }
})

test('a repository of another user is refused, as git itself does', async () => {
  // Only root can give files away.
  if (process.getuid?.() !== 0) return
  const foreign = await makeRepository(join(root, 'foreign'), { bare: true })
  await foreign.commit({ files: { a: '1' } })
  await chown(foreign.dir, 12_345, 12_345)
  await assert.rejects(foreign.git(['log']), /dubious ownership/)
  await assert.rejects(open(foreign.dir).lsRefs({ prefixes: [], signal }), withCode('access_denied'))
})

test("a whole history arrives, with git's progress on the way", async () => {
  const { into, shallow, progress } = await fetchInto('full', {})
  assert.equal(await into.git(['rev-list', '--count', 'main']), '3')
  await into.git(['fsck', '--strict'])
  assert.deepEqual(shallow, { shallow: [], unshallow: [] })
  assert.deepEqual(
    progress.findLast(({ phase }) => phase === 'Counting objects'),
    {
      phase: 'Counting objects',
      done: 9,
      total: 9,
    },
  )
})

test('a depth cuts the history, and a later fetch deepens or heals it', async () => {
  const first = await fetchInto('shallow', { depth: 1 })
  assert.deepEqual(first.shallow, { shallow: [ids[2]], unshallow: [] })
  assert.equal(await first.into.git(['rev-list', '--count', 'main']), '1')
  const have = { haves: [ids[2] ?? ''], shallow: [ids[2] ?? ''] }
  const second = await fetchInto('', { ...have, depth: 2 }, first.into)
  assert.deepEqual(second.shallow, { shallow: [ids[1]], unshallow: [ids[2]] })
  assert.equal(await first.into.git(['rev-list', '--count', 'main']), '2')
  await fetchInto('', { haves: have.haves, shallow: [ids[1] ?? ''], depth: 'full' }, first.into)
  assert.equal(await first.into.git(['rev-list', '--count', 'main']), '3')
  await first.into.git(['fsck', '--strict'])
})

test('what is there already is not sent again', async () => {
  const whole = await fetchInto('whole', {})
  const { into } = await fetchInto('delta', { wants: [ids[1] ?? ''] })
  const delta = await fetchInto('', { haves: [ids[1] ?? ''] }, into)
  assert(delta.bytes.length < whole.bytes.length)
  assert.equal(await into.git(['rev-list', '--count', 'main']), '3')
})

test('filters leave out what they name', async () => {
  const types = async (filter: 'none' | 'blob:none' | 'tree:0') => {
    const { into } = await fetchInto(`filter-${filter}`, { filter })
    const listed = await into.git(['cat-file', '--batch-all-objects', '--batch-check=%(objecttype)'])
    return [...new Set(listed.split('\n'))].toSorted()
  }
  assert.deepEqual(await types('none'), ['blob', 'commit', 'tree'])
  assert.deepEqual(await types('blob:none'), ['commit', 'tree'])
  assert.deepEqual(await types('tree:0'), ['commit'])
})

test('an object by its id can be wanted, one that is not there is commit_not_found', async () => {
  const blob = await repository.git(['rev-parse', 'main:file-1'])
  const { pack } = await open(repository.dir).fetchPack({
    wants: [blob],
    haves: [],
    shallow: [],
    depth: 'full',
    filter: 'none',
    signal,
    onProgress: () => {},
  })
  assert.equal(Buffer.concat(await all(pack)).toString('latin1', 0, 4), 'PACK')
  await assert.rejects(fetchInto('absent', { wants: ['1'.repeat(40)] }), withCode('commit_not_found'))
  await assert.rejects(fetchInto('odd', { wants: ['--all'] }), withCode('internal'))
})

test('nothing runs on after an abort, a pack left alone or an answer', async () => {
  const big = await makeRepository(join(root, 'big'), { bare: true })
  // Larger than every pipe between us and git, so that git waits for a reader.
  const id = await big.commit({
    files: { big: Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * i * 31) >> 7)) },
  })
  const wish = { wants: [id], haves: [], shallow: [], depth: 1, filter: 'none', onProgress: () => {} } as const
  const controller = new AbortController()
  const { pack } = await open(big.dir).fetchPack({ ...wish, signal: controller.signal })
  assert.notDeepEqual(await programs(big.dir), [])
  controller.abort()
  await assert.rejects(all(pack), withCode('canceled'))
  assert.deepEqual(await programs(big.dir), [])

  const { pack: left } = await open(big.dir).fetchPack({ ...wish, signal })
  for await (const chunk of left) {
    assert(chunk.length > 0)
    break
  }
  assert.deepEqual(await programs(big.dir), [])

  await open(big.dir).lsRefs({ prefixes: [], signal })
  assert.deepEqual(await programs(big.dir), [])
  await assert.rejects(open(big.dir).lsRefs({ prefixes: [], signal: AbortSignal.abort() }), withCode('canceled'))
})

test("a hostile configuration of the repository runs nothing, and the caller's environment is not passed on", async (t) => {
  const hostile = await makeRepository(join(root, 'hostile'), { bare: true })
  await hostile.commit({ files: { a: '1' } })
  const mark = join(root, 'mark')
  for (const key of [
    'uploadpack.packObjectsHook',
    'core.fsmonitor',
    'core.sshCommand',
    'core.pager',
    'core.alternateRefsCommand',
  ]) {
    await hostile.git(['config', key, `touch ${mark};false`])
  }
  const global = join(root, 'gitconfig')
  await writeFile(global, `[uploadpack]\n\tpackObjectsHook = "touch ${mark}; cat >/dev/null; false"\n`)
  process.env['GIT_CONFIG_GLOBAL'] = global
  t.after(() => delete process.env['GIT_CONFIG_GLOBAL'])
  const wants = [await hostile.git(['rev-parse', 'main'])]
  const rest = { haves: [], shallow: [], depth: 'full', filter: 'none', signal, onProgress: () => {} } as const
  const { pack } = await open(hostile.dir).fetchPack({ wants, ...rest })
  assert(Buffer.concat(await all(pack)).length > 0)
  await assert.rejects(readFile(mark), { code: 'ENOENT' })
  // Plain git with that configuration does run it.
  await assert.rejects(
    hostile.git(['clone', '--no-local', '.', join(root, 'clone')], { env: { GIT_CONFIG_GLOBAL: global } }),
  )
  await readFile(mark)
})
