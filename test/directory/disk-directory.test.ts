import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { diskDirectory } from '../../src/directory/disk-directory.ts'
import type { ImageRecord } from '../../src/directory/directory.ts'
import { scratchDir } from '../support/operation-run.ts'

const { signal } = new AbortController()
const holder = join(import.meta.dirname, '../support/lock-holder.ts')

function record(id: string, repo: string, createdAt: number): ImageRecord<{ n: number }> {
  return { id, repo, content: { n: createdAt }, createdAt }
}

/** Another process that holds the lock, and a claim where one is named, until it is ended. */
async function otherProcess(t: TestContext, path: string, key: string, claim?: string): Promise<ChildProcess> {
  const argv = ['--disable-warning=ExperimentalWarning', holder, path, key, ...(claim === undefined ? [] : [claim])]
  const child = spawn(process.execPath, argv, { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  assert.equal(String((await once(child.stdout ?? child, 'data'))[0]), 'held\n')
  return child
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

test('records are found by repository, the newest first, by every opener of the directory', async (t) => {
  const path = await scratchDir(t)
  const directory = await diskDirectory<{ n: number }>(path)
  const records = [
    record('img_a', 'https://h/one', 1),
    record('img_b', 'https://h/one', 3),
    record('img_c', 'https://h/two', 2),
  ]
  for (const one of records) {
    await directory.claim(one.id)
    await directory.record(one)
  }
  const other = await diskDirectory<{ n: number }>(path)
  assert.deepEqual(await other.find('https://h/one'), [records[1], records[0]])
  assert.deepEqual(await other.find('https://h/none'), [])
  assert.equal((await other.all()).length, 3)
  await other.forget('img_b')
  assert.deepEqual(await directory.find('https://h/one'), [records[0]])
  await directory.forget('img_b')
  assert.deepEqual(await readdir(`${path}/claims`), [])
})

test('a claim is nobody’s only once its process is gone', async (t) => {
  const path = await scratchDir(t)
  const directory = await diskDirectory(path)
  await directory.claim('img_mine')
  const child = await otherProcess(t, path, 'key', 'img_theirs')
  assert.deepEqual(await directory.abandoned(), [])
  await kill(child)
  assert.deepEqual(await directory.abandoned(), ['img_theirs'])
  await directory.forget('img_theirs')
  assert.deepEqual(await directory.abandoned(), [])
})

test('temporary files of processes that are gone are removed, those of living ones stay', async (t) => {
  const path = await scratchDir(t)
  const directory = await diskDirectory(path)
  const child = await otherProcess(t, path, 'key')
  await writeFile(`${path}/tmp/${child.pid}.half`, '{')
  await directory.abandoned()
  assert.deepEqual(await readdir(`${path}/tmp`), [`${child.pid}.half`])
  await kill(child)
  await directory.abandoned()
  assert.deepEqual(await readdir(`${path}/tmp`), [])
})

test('garbage in the directory is passed over, and links are not followed anywhere', async (t) => {
  const path = await scratchDir(t)
  const directory = await diskDirectory<{ n: number }>(path)
  await directory.record(record('img_a', 'https://h/one', 1))
  const [folder = ''] = await readdir(`${path}/repos`)
  for (const [name, text] of [
    ['half.json', '{"id":'],
    ['null.json', 'null'],
    ['img_b.json', '{"id":"img_x"}'],
    ['text', ''],
  ])
    await writeFile(`${path}/repos/${folder}/${name}`, text ?? '')
  await mkdir(`${path}/repos/${folder}/img_d.json`)
  await writeFile(`${path}/repos/file`, '')
  await writeFile(`${path}/victim`, 'stays')
  await symlink(`${path}/victim`, `${path}/repos/link`)
  await writeFile(`${path}/claims/half.json`, '{')
  assert.deepEqual(
    (await directory.all()).map(({ id }) => id),
    ['img_a'],
  )
  assert.deepEqual(
    (await directory.find('https://h/one')).map(({ id }) => id),
    ['img_a'],
  )
  assert.deepEqual(await directory.abandoned(), [])
  await directory.forget('img_a')
  assert.equal(await readFile(`${path}/victim`, 'utf8'), 'stays')
})

test('a lock is held against other processes until its owner releases it', async (t) => {
  const path = await scratchDir(t)
  const directory = await diskDirectory(path)
  const child = await otherProcess(t, path, 'key')
  const order: string[] = []
  const waiting = directory.exclusively('key', async () => void order.push('mine'), { signal })
  await directory.exclusively('another key', async () => void order.push('another'), { signal })
  assert.deepEqual(order, ['another'])
  order.push('released')
  child.stdin?.end()
  await waiting
  assert.deepEqual(order, ['another', 'released', 'mine'])
})

test('a lock vanishes with a killed owner', async (t) => {
  const path = await scratchDir(t)
  const directory = await diskDirectory(path)
  const child = await otherProcess(t, path, 'key')
  const waiting = directory.exclusively('key', async () => 'mine', { signal })
  await kill(child)
  assert.equal(await waiting, 'mine')
})

test('locks of another directory are others', async (t) => {
  const [one, two] = [await diskDirectory(await scratchDir(t)), await diskDirectory(await scratchDir(t))]
  const inside = await one.exclusively('key', () => two.exclusively('key', async () => 'both', { signal }), { signal })
  assert.equal(inside, 'both')
})

test('processes that open a new directory at once agree on its locks', async (t) => {
  const path = join(await scratchDir(t), 'new')
  const directories = await Promise.all(Array.from({ length: 20 }, () => diskDirectory(path)))
  let [inside, most] = [0, 0]
  const work = async (): Promise<void> => {
    inside += 1
    most = Math.max(most, inside)
    await new Promise((resolve) => setImmediate(resolve))
    inside -= 1
  }
  await Promise.all(directories.map((directory) => directory.exclusively('key', work, { signal })))
  assert.deepEqual([most, await readdir(`${path}/tmp`)], [1, []])
})
