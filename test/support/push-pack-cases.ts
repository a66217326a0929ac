import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { AppError, hasCode } from '../../src/core/errors.ts'
import type { PackMaker } from '../../src/git/remote/push-options.ts'
import {
  addHook,
  cleanState,
  eventually,
  packBytes,
  packFor,
  pieces,
  pushOptions,
  rejectedWith,
  type PushTarget,
} from './push-target.ts'
import { makeRepository, type Repository } from './repository.ts'
import { scratchPlace } from './scratch-place.ts'

/** What becomes of packs that are pushed, good ones, great ones and broken ones, whatever way they take. */
export function describePushedPacks(name: string, make: (root: string) => Promise<PushTarget>): void {
  describe(`packs pushed to ${name}`, () => {
    let target: PushTarget
    let work: Repository
    let bare: Repository
    let [base, small, large] = ['', '', '']

    before(async () => {
      target = await make(await mkdtemp(join(scratchPlace, 'forkyard-pushes-')))
      work = await makeRepository(join(target.root, 'work'))
      base = await work.commit({ files: { file: '1' } })
      small = await work.commit({ files: { file: '2' } })
      large = await work.commit({ files: { noise: randomBytes(20_000_000) } })
      bare = await makeRepository(join(target.root, 'served.git'), { bare: true })
      await work.git(['push', '--quiet', bare.dir, `${base}:refs/heads/main`])
    })
    after(async () => {
      await target.close()
      await rm(target.root, { recursive: true })
    })

    const push = (oid: string, makePack: PackMaker, signal = new AbortController().signal) =>
      target.open('served.git').push(pushOptions({ oid, signal }), makePack)

    /** Whether main is where it was and nothing that came is kept. */
    async function assertUntouched(): Promise<void> {
      const refs = await eventually(() => cleanState(bare))
      assert.deepEqual(refs, ['refs/heads/main'])
      assert.equal(await bare.git(['rev-parse', 'main']), base)
    }

    test('a pack that is not whole, not sound or not enough moves nothing', async () => {
      const good = await packBytes(work, small, { old: base })
      const flipped = Buffer.from(good)
      flipped[good.length - 30] = (good.at(-30) ?? 0) ^ 0xff
      const broken = {
        nothing: Buffer.alloc(0),
        garbage: randomBytes(3000),
        cut: good.subarray(0, -25),
        'without its last byte': good.subarray(0, -1),
        flipped,
        'without a blob': await work.gitBytes(['pack-objects', '--stdout', '-q'], {
          input: `${small}\n${await work.git(['rev-parse', `${small}^{tree}`])}\n`,
        }),
      }
      for (const [what, bytes] of Object.entries(broken)) {
        await assert.rejects(
          push(small, async () => pieces(bytes)),
          rejectedWith('unpack_failed', /./),
          what,
        )
        await assertUntouched()
      }
      await assert.rejects(
        push(small, async () => null),
        rejectedWith('unpack_failed', /./),
      )
      await assertUntouched()
    })

    test('a source that fails, at once or however late, is what the caller hears of; nothing has moved', async () => {
      const failure = new AppError('git_failed', 'Cannot make a pack: it broke')
      async function* failing(chunks: AsyncIterable<Uint8Array>) {
        yield* chunks
        throw failure
      }
      const whole = await packBytes(work, large, { old: base })
      const sources = {
        'before anything': failing(pieces(Buffer.alloc(0))),
        'after a little': failing(pieces(whole.subarray(0, 1000))),
        'after much': failing(pieces(whole.subarray(0, 8_000_000))),
        'after a whole small pack': failing(packFor(work, small, { old: base })),
        'after a whole large pack': failing(pieces(whole)),
      }
      for (const [when, source] of Object.entries(sources)) {
        const oid = when.includes('small') ? small : large
        await assert.rejects(
          push(oid, async () => source),
          (error) => error === failure,
          when,
        )
        await assertUntouched()
      }
      await assert.rejects(
        push(small, () => Promise.reject(failure)),
        (error) => error === failure,
      )
      await assertUntouched()
    })

    test('a caller who gives up in mid-pack moves nothing, and the source is let go', async () => {
      const whole = await packBytes(work, large, { old: base })
      for (const after of [0, 1, 100]) {
        const caller = new AbortController()
        let isLetGo = false
        async function* leaving() {
          try {
            let count = 0
            for await (const chunk of pieces(whole)) {
              if (count === after) caller.abort()
              count += 1
              yield chunk
            }
          } finally {
            isLetGo = true
          }
        }
        await assert.rejects(
          push(large, async () => leaving(), caller.signal),
          (error) => hasCode(error, 'canceled'),
        )
        assert(isLetGo)
        await assertUntouched()
      }
      const never = push(small, () => assert.fail('a pack is made'), AbortSignal.abort())
      await assert.rejects(never, (error) => hasCode(error, 'canceled'))
    })

    test('a caller who gives up while a hook decides is told so at once', async () => {
      const started = join(target.root, 'started')
      await addHook(
        bare,
        'pre-receive',
        `cat >/dev/null; echo $$ >${started}.new; mv ${started}.new ${started}; exec tail -f /dev/null`,
      )
      await bare.git(['config', 'core.hooksPath', `${bare.dir}/hooks`])
      const caller = new AbortController()
      const pushing = push(small, async (ground) => packFor(work, small, ground), caller.signal)
      const refused = assert.rejects(pushing, (error) => hasCode(error, 'canceled'))
      const hook = Number(await eventually(() => readFile(started, 'utf8')))
      caller.abort()
      await refused
      // A server may let its hooks run on.
      if (existsSync(`/proc/${hook}`)) process.kill(hook)
      await rm(join(bare.dir, 'hooks/pre-receive'))
      // A git that is ended leaves what it received aside, out of sight of everything but its own clean-up, which may be
      // at it now.
      for (const name of await readdir(join(bare.dir, 'objects')))
        if (name.startsWith('tmp_objdir-incoming-'))
          await rm(join(bare.dir, 'objects', name), { recursive: true, force: true })
      await assertUntouched()
    })

    test('twenty thousand refs are no obstacle, and twenty megabytes arrive in small pieces', async () => {
      const lines = Array.from({ length: 20_000 }, (_, index) => `${base} refs/heads/a-${index}\n`)
      await writeFile(
        join(bare.dir, 'packed-refs'),
        `# pack-refs with: peeled fully-peeled sorted \n${lines.toSorted().join('')}`,
      )
      const whole = await packBytes(work, large, { old: base })
      let sent = 0
      let isLetGo = false
      async function* counted() {
        try {
          for await (const chunk of pieces(whole)) {
            sent += chunk.length
            yield chunk
          }
        } finally {
          isLetGo = true
        }
      }
      assert(whole.length > 20_000_000)
      const pushed = await push(large, async () => counted())
      assert.deepEqual(pushed, { outcome: 'updated', old: base, said: [] })
      assert.deepEqual([sent, isLetGo], [whole.length, true])
      assert.equal(await bare.git(['rev-parse', 'main']), large)
      assert.equal((await cleanState(bare)).length, 20_001)
    })
  })
}
