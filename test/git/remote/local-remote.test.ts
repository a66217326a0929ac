import assert from 'node:assert/strict'
import { chown, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { hasCode, type ErrorCode } from '../../../src/core/errors.ts'
import { localRemote } from '../../../src/git/remote/local-remote.ts'
import { describePacks } from '../../support/pack-cases.ts'
import { makeRepository, type Repository } from '../../support/repository.ts'
import { scratchPlace } from '../../support/scratch-place.ts'

let root: string
let repository: Repository
let ids: string[]
const { signal } = new AbortController()

before(async () => {
  root = await mkdtemp(join(scratchPlace, 'forkyard-local-'))
  repository = await makeRepository(join(root, 'a'))
  ids = []
  for (const text of ['1', '2', '3'])
    ids.push(await repository.commit({ files: { [`file-${text}`]: text.repeat(1000) } }))
})

after(async () => await rm(root, { recursive: true }))

function open(path: string) {
  return localRemote({ kind: 'local', path, key: path })
}

describePacks('a repository of the same machine', async (root) => ({
  root,
  open: (name) => open(join(root, name)),
  close: async () => {},
}))

function withCode(code: ErrorCode) {
  return (error: unknown) => hasCode(error, code)
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

test('nothing runs on after an abort, a pack left alone or an answer', async () => {
  const big = await makeRepository(join(root, 'big'), { bare: true })
  // Larger than every pipe between us and git, so that git waits for a reader.
  const id = await big.commit({
    files: { big: Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * i * 31) >> 7)) },
  })
  const wish = { wants: [id], haves: [], shallow: [], depth: 1, filter: 'none', onProgress: () => {} } as const
  const controller = new AbortController()
  const aborted = open(big.dir).fetchPack({ ...wish, signal: controller.signal }, async ({ pack }) => {
    assert.notDeepEqual(await programs(big.dir), [])
    controller.abort()
    return all(pack)
  })
  await assert.rejects(aborted, withCode('canceled'))
  assert.deepEqual(await programs(big.dir), [])

  await open(big.dir).fetchPack({ ...wish, signal }, async ({ pack }) => {
    for await (const chunk of pack) {
      assert(chunk.length > 0)
      break
    }
  })
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
  const bytes = await open(hostile.dir).fetchPack({ wants, ...rest }, ({ pack }) => all(pack))
  assert(Buffer.concat(bytes).length > 0)
  await assert.rejects(readFile(mark), { code: 'ENOENT' })
  // Plain git with that configuration does run it.
  await assert.rejects(
    hostile.git(['clone', '--no-local', '.', join(root, 'clone')], { env: { GIT_CONFIG_GLOBAL: global } }),
  )
  await readFile(mark)
})
