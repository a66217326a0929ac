import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { hasCode } from '../../src/core/errors.ts'
import { progressReader, type Progress } from '../../src/core/progress.ts'
import type { FetchPackOptions, Remote } from '../../src/git/remote/remote.ts'
import { makeRepository, type Repository } from './repository.ts'
import { scratchPlace } from './scratch-place.ts'

export interface PackGround {
  /** Directory whose sub-directories are served. */
  readonly root: string
  open(name: string): Remote
  close(): Promise<void>
}

/** How packs come from a remote, whatever way they take; `make` serves an empty directory. */
export function describePacks(name: string, make: (root: string) => Promise<PackGround>): void {
  describe(`packs from ${name}`, () => {
    const { signal } = new AbortController()
    let ground: PackGround
    let repository: Repository
    let ids: string[]

    before(async () => {
      ground = await make(await mkdtemp(join(scratchPlace, 'forkyard-packs-')))
      repository = await makeRepository(join(ground.root, 'a.git'), { bare: true })
      ids = []
      for (const text of ['1', '2', '3'])
        ids.push(await repository.commit({ files: { [`file-${text}`]: text.repeat(1000) } }))
    })
    after(async () => {
      await ground.close()
      await rm(ground.root, { recursive: true })
    })

    /** Fetches into a repository and returns it with what was said on the way. */
    async function fetchInto(into: Repository, options: Partial<FetchPackOptions>, from = 'a.git') {
      const progress: Progress[] = []
      const onProgress = progressReader((counter) => progress.push(counter))
      const standard = { wants: [ids[2] ?? ''], haves: [], shallow: [], depth: 'full', filter: 'none' } as const
      const wish = { ...standard, signal, onProgress, ...options }
      const { shallow, bytes } = await ground.open(from).fetchPack(wish, async (stream) => ({
        shallow: stream.shallow,
        bytes: await whole(stream.pack),
      }))
      const file = join(into.dir, 'shallow')
      const cut = (await readFile(file, 'utf8').catch(() => '')).split('\n').filter(Boolean)
      const kept = [...cut.filter((id) => !shallow.unshallow.includes(id)), ...shallow.shallow]
      await writeFile(file, kept.map((id) => `${id}\n`).join(''))
      if (kept.length === 0) await rm(file)
      await into.git(['index-pack', '--stdin', '--fix-thin'], { input: bytes })
      await into.git(['update-ref', 'refs/heads/main', wish.wants[0] ?? ''])
      return { into, shallow, progress, bytes }
    }

    const blank = (dir: string, objectFormat: 'sha1' | 'sha256' = 'sha1'): Promise<Repository> =>
      makeRepository(join(ground.root, `into-${dir}`), { bare: true, objectFormat })

    test("a whole history arrives, with git's progress on the way", async () => {
      const { into, shallow, progress } = await fetchInto(await blank('full'), {})
      assert.equal(await into.git(['rev-list', '--count', 'main']), '3')
      await into.git(['fsck', '--strict'])
      assert.deepEqual(shallow, { shallow: [], unshallow: [] })
      const counted = progress.findLast(({ phase }) => phase === 'Counting objects')
      assert.deepEqual(counted, { phase: 'Counting objects', done: 9, total: 9 })
    })

    test('a depth cuts the history, and a later fetch deepens or heals it', async () => {
      const first = await fetchInto(await blank('shallow'), { depth: 1 })
      assert.deepEqual(first.shallow, { shallow: [ids[2]], unshallow: [] })
      assert.equal(await first.into.git(['rev-list', '--count', 'main']), '1')
      const haves = [ids[2] ?? '']
      const second = await fetchInto(first.into, { haves, shallow: haves, depth: 2 })
      assert.deepEqual(second.shallow, { shallow: [ids[1]], unshallow: [ids[2]] })
      assert.equal(await first.into.git(['rev-list', '--count', 'main']), '2')
      await fetchInto(first.into, { haves, shallow: [ids[1] ?? ''], depth: 'full' })
      assert.equal(await first.into.git(['rev-list', '--count', 'main']), '3')
      await first.into.git(['fsck', '--strict'])
    })

    test('what is there already is not sent again, also where one of it is unknown to the remote', async () => {
      const everything = await fetchInto(await blank('whole'), {})
      const { into } = await fetchInto(await blank('delta'), { wants: [ids[1] ?? ''] })
      const delta = await fetchInto(into, { haves: ['f'.repeat(40), ids[1] ?? ''] })
      assert(delta.bytes.length < everything.bytes.length)
      assert.equal(await into.git(['rev-list', '--count', 'main']), '3')
    })

    test('hundreds of ids of what is there fit into a request', async () => {
      const haves = Array.from({ length: 700 }, (_, index) => index.toString(16).padStart(40, '0'))
      const { into } = await fetchInto(await blank('many'), { haves })
      assert.equal(await into.git(['rev-list', '--count', 'main']), '3')
    })

    test('filters leave out what they name', async () => {
      const types = async (filter: 'none' | 'blob:none' | 'tree:0') => {
        const { into } = await fetchInto(await blank(`filter-${filter}`), { filter })
        const listed = await into.git(['cat-file', '--batch-all-objects', '--batch-check=%(objecttype)'])
        return [...new Set(listed.split('\n'))].toSorted()
      }
      assert.deepEqual(await types('none'), ['blob', 'commit', 'tree'])
      assert.deepEqual(await types('blob:none'), ['commit', 'tree'])
      assert.deepEqual(await types('tree:0'), ['commit'])
    })

    test('a repository of SHA-256 ids is served', async () => {
      const wide = await makeRepository(join(ground.root, 'wide.git'), { bare: true, objectFormat: 'sha256' })
      const id = await wide.commit({ files: { a: '1' } })
      const { into } = await fetchInto(await blank('wide', 'sha256'), { wants: [id], depth: 1 }, 'wide.git')
      assert.equal(await into.git(['cat-file', '-p', 'main:a']), '1')
    })

    test('an object by its id can be wanted, one that is not there is commit_not_found', async () => {
      const blob = await repository.git(['rev-parse', 'main:file-1'])
      const rest = { haves: [], shallow: [], depth: 'full', filter: 'none', signal, onProgress: () => {} } as const
      const pack = await ground.open('a.git').fetchPack({ wants: [blob], ...rest }, (stream) => whole(stream.pack))
      assert.equal(pack.toString('latin1', 0, 4), 'PACK')
      const refused = async (want: string): Promise<void> =>
        ground.open('a.git').fetchPack({ wants: [want], ...rest }, () => assert.fail('it came'))
      await assert.rejects(refused('1'.repeat(40)), (error) => hasCode(error, 'commit_not_found'))
      await assert.rejects(refused('--all'), (error) => hasCode(error, 'internal'))
      await assert.rejects(refused(`${'1'.repeat(40)}\nwant ${blob}`), (error) => hasCode(error, 'internal'))
    })
  })
}

async function whole(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const list: Uint8Array[] = []
  for await (const chunk of chunks) list.push(chunk)
  return Buffer.concat(list)
}
