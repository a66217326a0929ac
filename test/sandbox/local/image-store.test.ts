import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { currentBoot, identify } from '../../../src/core/process-identity.ts'
import { ownTool } from '../../../src/sandbox/local/host-command.ts'
import { imageStore } from '../../../src/sandbox/local/image-store.ts'
import { makeOwned, openStateDir, type StateDir } from '../../../src/sandbox/local/state-dir.ts'
import { enterableFolder, sandboxUid } from '../../support/local-sandboxes.ts'

const conditions = { uid: sandboxUid, xattrs: 'user', tools: 'git 1' } as const
const living = identify(process.pid)
const dead = { pid: process.pid, startTime: '1', bootId: currentBoot() }

function openStore() {
  const inUse: string[] = []
  const state = openStateDir({ stateDir: `${enterableFolder()}/state`, sandboxUid })
  return { state, inUse, store: imageStore(state, conditions, () => inUse, ownTool) }
}

/** An upper directory with a file in it, as a sandbox leaves one. */
function makeUpper(state: StateDir, name: string): string {
  makeOwned(state, `${state.path}/run/${name}/upper`, 0o755)
  writeFileSync(`${state.path}/run/${name}/upper/${name}`, name)
  return `${state.path}/run/${name}/upper`
}

const manifestOf = ({ path }: StateDir, id: string) => JSON.parse(readFileSync(`${path}/images/${id}.json`, 'utf8'))

function plant(state: StateDir, id: string, more: object): void {
  const manifest = { id, layers: [id], bytes: 1, createdAt: 1, conditions, unsyncedBoot: null, maker: living, ...more }
  writeFileSync(`${state.path}/images/${id}.json`, JSON.stringify(manifest))
}

test('an image is its layers, newest first, and is safe on disk once it is synced', async () => {
  const { state, store } = openStore()
  const base = await store.add('img_a', makeUpper(state, 'a'), [])
  const next = await store.add('img_b', makeUpper(state, 'b'), base.layers)
  assert.deepEqual(next.layers, ['img_b', 'img_a'])
  assert.equal(readFileSync(`${state.path}/layers/img_b/b`, 'utf8'), 'b')
  await store.synced()
  assert.equal(manifestOf(state, 'img_b').unsyncedBoot, null)
  assert.deepEqual(
    store
      .list()
      .map(({ id }) => id)
      .toSorted(),
    ['img_a', 'img_b'],
  )
})

test('a layer stays as long as any image or any sandbox needs it', async () => {
  const { state, store, inUse } = openStore()
  const base = await store.add('img_a', makeUpper(state, 'a'), [])
  await store.add('img_b', makeUpper(state, 'b'), base.layers)
  const layers = () => readdirSync(`${state.path}/layers`).toSorted()
  await store.drop('img_a')
  assert.deepEqual(layers(), ['empty', 'img_a', 'img_b'])
  inUse.push('img_a')
  await store.drop('img_b')
  assert.deepEqual(layers(), ['empty', 'img_a'])
  inUse.pop()
  await store.collect()
  assert.deepEqual(layers(), ['empty'])
  await assert.rejects(store.drop('img_a'), { code: 'image_not_found' })
})

test('a sync that ends after its image was dropped brings nothing back', async () => {
  const { state, store } = openStore()
  await store.add('img_a', makeUpper(state, 'a'), [])
  await store.drop('img_a')
  await store.synced()
  assert.deepEqual(readdirSync(`${state.path}/images`), [])
})

test('an image whose layer has not come is none yet; it is only removed once its maker is gone', async () => {
  const { state, store } = openStore()
  plant(state, 'img_coming', { maker: living })
  plant(state, 'img_lost', { maker: dead })
  plant(state, 'img_nobody', { maker: null })
  assert.deepEqual(store.list(), [])
  for (const id of ['img_coming', 'img_lost']) assert.throws(() => store.get(id), { code: 'image_incompatible' })
  await store.collect()
  assert.deepEqual(readdirSync(`${state.path}/images`), ['img_coming.json'])
})

test('images of other tools, another user or an unsynced earlier boot are there, but never mounted', () => {
  const { state, store } = openStore()
  const odd = {
    tools: { conditions: { ...conditions, tools: 'git 2' } },
    uid: { conditions: { ...conditions, uid: 4_242 } },
    xattrs: { conditions: { ...conditions, xattrs: 'trusted' } },
    boot: { unsyncedBoot: 'another-boot' },
  }
  for (const [name, more] of Object.entries(odd)) {
    mkdirSync(`${state.path}/layers/img_${name}`)
    plant(state, `img_${name}`, more)
    assert.ok(store.has(`img_${name}`))
    assert.throws(() => store.get(`img_${name}`), { code: 'image_incompatible' }, name)
  }
  mkdirSync(`${state.path}/layers/img_fine`)
  plant(state, 'img_fine', { unsyncedBoot: currentBoot() })
  assert.deepEqual(
    store.list().map(({ id }) => id),
    ['img_fine'],
  )
})

test('what is no manifest is no image, and names in one never reach outside of the layers', async () => {
  const { state, store } = openStore()
  const garbage = ['', '{', '{}', '[]', 'null', '7', '"x"', '{"id":"img_other","layers":["x"]}']
  for (const [index, text] of garbage.entries()) writeFileSync(`${state.path}/images/img_${index}.json`, text)
  plant(state, 'img_up', { layers: ['..'] })
  plant(state, 'img_path', { layers: ['img_path', '../run'] })
  plant(state, 'img_options', { layers: ['a:/etc', 'b,upperdir=/'] })
  plant(state, 'img_numbers', { layers: [1] })
  mkdirSync(`${state.path}/images/img_folder.json`)
  symlinkSync('/', `${state.path}/images/img_link.json`)
  assert.deepEqual(store.list(), [])
  for (const name of readdirSync(`${state.path}/images`)) {
    const id = name.slice(0, -'.json'.length)
    assert.throws(() => store.get(id), { code: 'image_not_found' }, id)
    await assert.rejects(store.drop(id), { code: 'image_not_found' }, id)
  }
})

test('what lies among the layers without an image goes, and no link is followed', async () => {
  const { state, store } = openStore()
  const outside = enterableFolder()
  writeFileSync(`${outside}/witness`, 'kept')
  makeOwned(state, `${state.path}/layers/img_orphan`, 0o755)
  makeOwned(state, `${state.path}/layers/img_orphan/deep`, 0o755)
  makeOwned(state, `${state.path}/layers/-rf`, 0o755)
  writeFileSync(`${state.path}/layers/a file\n`, '')
  symlinkSync('/', `${state.path}/layers/root`)
  symlinkSync(outside, `${state.path}/layers/outside`)
  symlinkSync(outside, `${state.path}/layers/img_orphan/outside`)
  await store.collect()
  assert.deepEqual(readdirSync(`${state.path}/layers`), ['empty'])
  assert.ok(existsSync(`${outside}/witness`))
})
