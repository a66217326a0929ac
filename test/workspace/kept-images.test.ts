import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { systemClock } from '../../src/core/clock.ts'
import { diskDirectory } from '../../src/directory/disk-directory.ts'
import type { SandboxDriver } from '../../src/sandbox/contract.ts'
import type { ImageContent } from '../../src/workspace/image-content.ts'
import { keptImages } from '../../src/workspace/kept-images.ts'
import { enterableFolder, openDriver } from '../support/local-sandboxes.ts'

const stateDir = `${enterableFolder()}/state`
let driver: SandboxDriver

before(async () => {
  driver = await openDriver(stateDir)
})
after(() => driver.close())

test('one more image is expected to weigh as much as the heaviest of the latest sixteen', async () => {
  const weights = new Map([['large', 1000]])
  const weigh: SandboxDriver['weigh'] = async (id) => weights.get(id) ?? 10
  const directory = await diskDirectory<ImageContent>(`${stateDir}/directory`)
  const images = keptImages({ driver: { ...driver, weigh }, directory, clock: systemClock })
  assert.equal(images.expectedBytes(), 0)
  await images.add('a', 'large')
  for (let at = 1; at < 16; at += 1) await images.add('a', `small-${at}`)
  assert.equal(images.expectedBytes(), 1000)
  await images.add('a', 'small-16')
  assert.equal(images.expectedBytes(), 10)
})
