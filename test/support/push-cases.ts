import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { AppError, hasCode } from '../../src/core/errors.ts'
import { addHook, cleanState, packFor, pushOptions, rejectedWith, type PushTarget } from './push-target.ts'
import { makeRepository, type Repository } from './repository.ts'
import { scratchPlace } from './scratch-place.ts'

/** How one ref of a remote is moved, whatever way it takes; `make` serves an empty directory. */
export function describePushes(name: string, make: (root: string) => Promise<PushTarget>): void {
  describe(`pushes to ${name}`, () => {
    let target: PushTarget
    /** Where the commits are made. */
    let work: Repository
    let ids: string[]
    let count = 0

    before(async () => {
      target = await make(await mkdtemp(join(scratchPlace, 'forkyard-pushes-')))
      work = await makeRepository(join(target.root, 'work'))
      ids = []
      for (const text of ['1', '2', '3']) ids.push(await work.commit({ files: { file: text.repeat(1000) } }))
    })
    after(async () => {
      await target.close()
      await rm(target.root, { recursive: true })
    })

    const id = (index: number) => ids[index] ?? ''

    /** A bare repository whose branch main is at one of the commits. */
    async function served(at: number, config: Readonly<Record<string, string>> = {}) {
      count += 1
      const path = `served-${count}.git`
      const bare = await makeRepository(join(target.root, path), { bare: true })
      await work.git(['push', '--quiet', bare.dir, `${id(at)}:refs/heads/main`])
      // Whoever runs these tests may have hooks of their own everywhere.
      for (const [key, value] of Object.entries({ 'core.hooksPath': `${bare.dir}/hooks`, ...config }))
        await bare.git(['config', key, value])
      return { bare, remote: target.open(path), tip: (ref = 'refs/heads/main') => bare.git(['rev-parse', ref]) }
    }

    test('a ref is created, moved on, and left alone where it is there already', async () => {
      const { bare, remote, tip } = await served(0)
      const grounds: (string | null)[] = []
      const push = (ref: string, oid: string) =>
        remote.push(pushOptions({ ref, oid }), async (ground) => {
          grounds.push(ground.old)
          assert.deepEqual(
            [ground.objectFormat, ground.hasOfsDelta, ground.hasThinPack],
            ['sha1', true, true],
            'git itself takes all kinds of deltas',
          )
          return packFor(work, oid, ground)
        })
      assert.deepEqual(await push('refs/heads/main', id(1)), { outcome: 'updated', old: id(0), said: [] })
      assert.deepEqual(await push('refs/heads/topic/a', id(2)), { outcome: 'created', old: null, said: [] })
      assert.deepEqual(await push('refs/heads/main', id(1)), { outcome: 'unchanged', old: id(1), said: [] })
      assert.deepEqual(grounds, [id(0), null])
      assert.deepEqual([await tip(), await tip('refs/heads/topic/a')], [id(1), id(2)])
      assert.deepEqual(await cleanState(bare), ['refs/heads/main', 'refs/heads/topic/a'])
    })

    test('an annotated tag arrives as the tag it is, under a name beyond ASCII', async () => {
      const { bare, remote } = await served(2)
      const oid = await work.tag('v1', { message: 'one' })
      const ref = 'refs/tags/größe-\u{1f42b}'
      await remote.push(pushOptions({ ref, oid }), async (ground) => packFor(work, oid, ground))
      assert.equal(await bare.git(['cat-file', '-t', ref]), 'tag')
    })

    test('a ref for objects that are there already needs no pack', async () => {
      const { bare, remote, tip } = await served(2)
      const pushed = await remote.push(pushOptions({ ref: 'refs/heads/old', oid: id(0) }), async () => null)
      assert.equal(pushed.outcome, 'created')
      assert.equal(await tip('refs/heads/old'), id(0))
      await cleanState(bare)
    })

    test('what is not where it was expected to be stays there, and no pack is made', async () => {
      const { remote, tip } = await served(1)
      const push = (ref: string, expected: string | null, oid = id(2)) =>
        remote.push(pushOptions({ ref, oid, expected: { oid: expected } }), () => assert.fail('a pack is made'))
      for (const [ref, expected, found] of [
        ['refs/heads/main', id(0), id(1)],
        ['refs/heads/main', null, id(1)],
        ['refs/heads/new', id(0), null],
      ] as const) {
        await assert.rejects(push(ref, expected), (error) => {
          assert(hasCode(error, 'ref_moved'))
          assert.deepEqual(error.details, { ref, expected, found })
          return true
        })
      }
      // As after an answer that got lost: what was wanted is so.
      assert.equal((await push('refs/heads/main', id(0), id(1))).outcome, 'unchanged')
      assert.equal(await tip(), id(1))
      const asExpected = pushOptions({ ref: 'refs/heads/main', oid: id(2), expected: { oid: id(1) } })
      await remote.push(asExpected, async (ground) => packFor(work, id(2), ground))
      assert.equal(await tip(), id(2))
    })

    test('who was quicker wins, whether the ref was moved or created meanwhile', async () => {
      const { bare, remote, tip } = await served(0)
      await work.git(['push', '--quiet', bare.dir, `${id(1)}:refs/heads/quicker`])
      for (const ref of ['refs/heads/main', 'refs/heads/new']) {
        const pushing = remote.push(pushOptions({ ref, oid: id(2) }), async (ground) => {
          await bare.git(['update-ref', ref, id(1)])
          return packFor(work, id(2), ground)
        })
        await assert.rejects(pushing, (error) => hasCode(error, 'ref_moved') && error.details['ref'] === ref)
        assert.equal(await tip(ref), id(1))
      }
      await cleanState(bare)
    })

    test('a ref that somebody holds locked counts as moving', async () => {
      const { bare, remote } = await served(0)
      const lock = join(bare.dir, 'refs/heads/main.lock')
      await writeFile(lock, '')
      const pushing = remote.push(pushOptions({ oid: id(1) }), async (ground) => packFor(work, id(1), ground))
      await assert.rejects(pushing, (error) => hasCode(error, 'ref_moved'))
      await rm(lock)
      await cleanState(bare)
    })

    test('a name below the name of another ref is refused for good', async () => {
      const { remote } = await served(0)
      const ref = 'refs/heads/main/below'
      const pushing = remote.push(pushOptions({ ref, oid: id(1) }), async (ground) => packFor(work, id(1), ground))
      await assert.rejects(pushing, rejectedWith('other', /cannot create/))
    })

    test("going back is the repository's to allow", async () => {
      const strict = await served(1, { 'receive.denyNonFastForwards': 'true' })
      const back = (remote: typeof strict.remote) => remote.push(pushOptions({ oid: id(0) }), async () => null)
      await assert.rejects(back(strict.remote), rejectedWith('non_fast_forward', /non-fast-forward/))
      assert.equal(await strict.tip(), id(1))
      const free = await served(1)
      assert.deepEqual(await back(free.remote), { outcome: 'updated', old: id(1), said: [] })
      assert.equal(await free.tip(), id(0))
    })

    test('hooks decline with their own words, and have their say where they do not', async () => {
      for (const hook of ['pre-receive', 'update']) {
        const { bare, remote, tip } = await served(0)
        await addHook(bare, hook, `printf 'no\\twork on \\033[31mSundays\\033[0m\\n1%%\\r100%%\\n' >&2; exit 1`)
        const pushing = remote.push(pushOptions({ oid: id(1) }), async (ground) => packFor(work, id(1), ground))
        await assert.rejects(pushing, (error) => {
          assert(error instanceof AppError && rejectedWith('hook_declined', /hook declined$/)(error))
          const said = error.details['said'] as readonly string[]
          assert.deepEqual(said.slice(1), ['no work on Sundays', '100%', ...said.slice(3)])
          return true
        })
        assert.equal(await tip(), id(0))
        await cleanState(bare)
      }
      const { bare, remote, tip } = await served(0)
      await addHook(bare, 'post-receive', 'echo "see https://example.com/merge"')
      const pushed = await remote.push(pushOptions({ oid: id(1) }), async (ground) => packFor(work, id(1), ground))
      assert.deepEqual(pushed, { outcome: 'updated', old: id(0), said: ['see https://example.com/merge'] })
      assert.equal(await tip(), id(1))
    })

    test('a branch that is checked out is protected, as is a hidden ref', async () => {
      const checkedOut = await makeRepository(join(target.root, 'checked-out'))
      await checkedOut.commit({ files: { a: '1' } })
      await work.git(['push', '--quiet', checkedOut.dir, `${id(0)}:refs/heads/other`])
      const remote = target.open('checked-out')
      const main = remote.push(pushOptions({ oid: id(1) }), async () => packFor(work, id(1), { old: null }))
      await assert.rejects(main, rejectedWith('protected', /checked out/))
      const other = pushOptions({ ref: 'refs/heads/other', oid: id(1) })
      assert.equal((await remote.push(other, async (ground) => packFor(work, id(1), ground))).outcome, 'updated')
      const hidden = await served(0, { 'receive.hideRefs': 'refs/hidden' })
      const secret = pushOptions({ ref: 'refs/hidden/a', oid: id(0) })
      await assert.rejects(
        hidden.remote.push(secret, async () => null),
        rejectedWith('protected', /hidden ref/),
      )
    })

    test('a repository of SHA-256 ids is pushed to; ids of the other kind are refused', async () => {
      const wide = await makeRepository(join(target.root, 'wide-work'), { objectFormat: 'sha256' })
      const first = await wide.commit({ files: { a: '1' } })
      const bare = await makeRepository(join(target.root, 'wide.git'), { bare: true, objectFormat: 'sha256' })
      const remote = target.open('wide.git')
      const push = (ref: string, oid: string) =>
        remote.push(pushOptions({ ref, oid }), async (ground) => {
          assert.equal(ground.objectFormat, 'sha256')
          return ref.endsWith('main') ? packFor(wide, oid, ground) : null
        })
      assert.equal((await push('refs/heads/main', first)).outcome, 'created')
      assert.equal((await push('refs/heads/same', first)).outcome, 'created')
      await assert.rejects(push('refs/heads/main', id(0)), rejectedWith('other', /sha256/))
      assert.deepEqual(await cleanState(bare), ['refs/heads/main', 'refs/heads/same'])
    })
  })
}
