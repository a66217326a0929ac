import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import type { AppError } from '../../../src/core/errors.ts'
import { diskWatch, du } from '../../../src/sandbox/local/disk-watch.ts'
import { ownTool, type HostTool } from '../../../src/sandbox/local/host-command.ts'
import { enterableFolder, openDriver, specOf } from '../../support/local-sandboxes.ts'
import { smallDisk } from '../../support/small-disk.ts'
import { tracesOf } from '../../support/traces.ts'

const room = { diskBytes: 1_000_000, inodes: 20 }
const signal = new AbortController().signal

test('an upper within its limits has hit none', async () => {
  const folder = enterableFolder()
  writeFileSync(`${folder}/file`, Buffer.alloc(900_000))
  assert.equal(await diskWatch(folder, ownTool, room).hit(), null)
})

test('too many bytes are a disk_limit, too many files an inode_limit', async () => {
  const folder = enterableFolder()
  for (let index = 0; index < 25; index += 1) writeFileSync(`${folder}/${index}`, '')
  assert.equal((await diskWatch(folder, ownTool, room).hit())?.code, 'inode_limit')
  writeFileSync(`${folder}/large`, Buffer.alloc(1_100_000))
  assert.equal((await diskWatch(folder, ownTool, room).hit())?.code, 'disk_limit')
})

test('links lead to nothing that counts', async () => {
  const [folder, outside] = [enterableFolder(), enterableFolder()]
  writeFileSync(`${outside}/large`, Buffer.alloc(5_000_000))
  symlinkSync(outside, `${folder}/folder`)
  symlinkSync(`${outside}/large`, `${folder}/file`)
  mkdirSync(`${folder}/own`)
  assert.equal(await diskWatch(folder, ownTool, room).hit(), null)
  assert.equal(await du(folder, 'inodes', ownTool), 4)
})

test('who watches is told once, and not after it stopped', async () => {
  const folder = enterableFolder()
  writeFileSync(`${folder}/large`, Buffer.alloc(1_100_000))
  const watch = diskWatch(folder, ownTool, room)
  const hits: AppError[] = []
  watch.begin(() => assert.fail('it was stopped'))()
  const keepAlive = setInterval(() => {}, 1000)
  await new Promise<void>((resolve) =>
    watch.begin((error) => {
      hits.push(error)
      resolve()
    }),
  )
  clearInterval(keepAlive)
  assert.deepEqual(
    hits.map(({ code }) => code),
    ['disk_limit'],
  )
})

test('many short commands are watched as one long one is', async () => {
  const folder = enterableFolder()
  writeFileSync(`${folder}/large`, Buffer.alloc(1_100_000))
  const watch = diskWatch(folder, ownTool, room)
  const hits: AppError[] = []
  let commands = 0
  for (; hits.length === 0; commands += 1) {
    const stop = watch.begin((error) => hits.push(error))
    await ownTool(['sleep', '0.05'])
    stop()
  }
  assert.equal(hits[0]?.code, 'disk_limit')
  assert(commands > 3, `${commands} were enough`)
})

test('a directory that cannot be counted is not let grow', async () => {
  const blind: HostTool = async () => ({ code: 1, stdout: '' })
  const watch = diskWatch(enterableFolder(), blind, room)
  const keepAlive = setInterval(() => {}, 1000)
  const told = await new Promise<AppError>((resolve) => watch.begin(resolve))
  clearInterval(keepAlive)
  assert.equal(told.code, 'sandbox_lost')
})

test('a directory is counted again only when something may have changed in it', async () => {
  const folder = enterableFolder()
  let counts = 0
  const counting: HostTool = (argv) => {
    counts += 1
    return ownTool(argv)
  }
  const watch = diskWatch(folder, counting, { diskBytes: 64 * 1024 * 1024, inodes: 1_000_000 })
  for (let look = 0; look < 5; look += 1) assert.equal(await watch.hit(), null)
  assert.equal(counts, 2)
  writeFileSync(`${folder}/large`, Buffer.alloc(65 * 1024 * 1024))
  assert.equal((await watch.hit())?.code, 'disk_limit')
  assert(counts > 2)
})

test('on a file system that is nearly full nothing goes on', async (t) => {
  const disk = await smallDisk(t)
  const hit = await diskWatch(disk, ownTool, { diskBytes: 1e12, inodes: 1e9 }).hit()
  assert.equal(hit?.code, 'disk_limit')
  assert.match(hit.message, /is full/)
})

test('a driver without room in memory and on disk makes no sandbox, and says so', async (t) => {
  const stateDir = `${await smallDisk(t)}/state`
  const driver = await openDriver(stateDir, { memoryUppersShare: 0 })
  for (const upper of ['memory', 'disk'] as const)
    await assert.rejects(driver.create(specOf({ upper }), { signal }), { code: 'over_capacity' })
  assert.deepEqual(tracesOf(stateDir), [])
})
