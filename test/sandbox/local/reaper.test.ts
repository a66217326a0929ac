import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { currentBoot } from '../../../src/core/process-identity.ts'
import { untilCopying, untilNoneCopies } from '../../support/copying.ts'
import { enterableFolder, openDriver, shell, specOf } from '../../support/local-sandboxes.ts'
import { processesOf, tracesOf } from '../../support/traces.ts'

const signal = new AbortController().signal
const program = new URL('../../support/driver-process.ts', import.meta.url).pathname

/** Starts a service of its own and kills it the hard way once `isEnough` says so. */
async function killed(
  mode: string,
  stateDir: string,
  isEnough: (line: string, count: number) => boolean | Promise<boolean>,
) {
  const child: ChildProcess = spawn(process.execPath, [program, mode, stateDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  let count = 0
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    count += 1
    if (!(await isEnough(line, count))) continue
    child.kill('SIGKILL')
    break
  }
  assert.deepEqual((await ended)[1], 'SIGKILL')
}

test('nothing is left of a service that was killed, once the next one starts; living ones are spared', async (t) => {
  const stateDir = `${enterableFolder()}/state`
  const living = await openDriver(stateDir)
  t.after(() => living.close())
  const sandbox = await living.create(specOf({ metadata: { of: 'the living' } }), { signal })
  await shell(sandbox, 'echo mine >file')
  const ours = tracesOf(stateDir)
  let atWork = 0
  await killed('hold', stateDir, (line) => {
    atWork = processesOf(stateDir).length
    return line === 'ready'
  })
  // Two holders, two bubblewraps, two inits, and at least a shell or a daemon with each.
  assert.ok(atWork >= 8, `${atWork} processes were at work`)
  assert.notDeepEqual(tracesOf(stateDir), ours)
  const next = await openDriver(stateDir)
  assert.deepEqual(tracesOf(stateDir), ours)
  assert.equal(await shell(sandbox, 'cat file'), 'mine\n')
  await next.close()
  await living.close()
  assert.deepEqual(tracesOf(stateDir), [])
})

test('whenever a service is killed, the next one finds whole images and no half ones', async () => {
  const stateDir = `${enterableFolder()}/state`
  for (const lines of [1, 2, 3, 4, 5, 6, 9]) {
    await killed('steps', stateDir, (_, count) => count === lines)
    const driver = await openDriver(stateDir)
    assert.deepEqual(tracesOf(stateDir), [], `after ${lines} lines`)
    const images = await driver.images()
    // A manifest without its layer lasts until something is collected.
    for (const { id } of images) await driver.drop(id)
    const builder = await driver.create(specOf(), { signal })
    await driver.freeze(builder, `img_after_${lines}`)
    await driver.drop(`img_after_${lines}`)
    assert.deepEqual(readdirSync(`${stateDir}/layers`), ['empty'])
    assert.deepEqual(readdirSync(`${stateDir}/images`), [])
    await driver.close()
  }
})

test('a service that is killed while it forks leaves neither forks nor what stood still for them', async () => {
  const stateDir = `${enterableFolder()}/state`
  for (const isReading of [true, true, false]) {
    await killed('fork', stateDir, async () => {
      if (isReading) await untilCopying(stateDir)
      return true
    })
    const driver = await openDriver(stateDir)
    assert.deepEqual(tracesOf(stateDir), [])
    await untilNoneCopies(stateDir)
    await driver.close()
  }
})

test('garbage where services keep their notes neither stops a start nor is followed', async (t) => {
  const folder = enterableFolder()
  const stateDir = `${folder}/state`
  await (await openDriver(stateDir)).close()
  mkdirSync(`${folder}/outside/sub`, { recursive: true })
  writeFileSync(`${folder}/outside/witness`, 'kept')
  chmodSync(`${folder}/outside`, 0o777)
  for (const place of ['run', 'layers', 'tmp', 'images']) {
    symlinkSync('/', `${stateDir}/${place}/root`)
    symlinkSync(`${folder}/outside`, `${stateDir}/${place}/outside`)
    symlinkSync(`${folder}/outside`, `${stateDir}/${place}/sb_0123456789abcdef01`)
    symlinkSync('nowhere', `${stateDir}/${place}/.hidden`)
    mkdirSync(`${stateDir}/${place}/-rf/half a fork`, { recursive: true })
    writeFileSync(`${stateDir}/${place}/-rf/half a fork/file`, '')
    symlinkSync(`${folder}/outside`, `${stateDir}/${place}/-rf/link`)
    writeFileSync(`${stateDir}/${place}/*`, 'a star')
  }
  const entry = {
    id: 'sb_ab',
    owner: { pid: 1, startTime: '0', bootId: currentBoot() },
    upper: 'disk',
    layers: [],
    metadata: {},
  }
  const notes: Record<string, string> = {
    'sb_aa.999999999999999.json': '{"cut":',
    'sb_ab.888888888888888.json': JSON.stringify(entry),
    'sb_ac.777777777777777.json': '{}',
    'sb_ad.666666666666666.json': JSON.stringify({ ...entry, id: '../../outside' }),
    'sb_ae.x.json': JSON.stringify(entry),
    '..json': 'null',
    'sb_af.json': '[]',
  }
  for (const [name, text] of Object.entries(notes)) writeFileSync(`${stateDir}/run/${name}`, text)
  mkdirSync(`${stateDir}/run/sb_ab`)

  const driver = await openDriver(stateDir)
  t.after(() => driver.close())
  assert.ok(existsSync(`${folder}/outside/witness`))
  assert.ok(existsSync(`${folder}/outside/sub`))
  assert.deepEqual(await driver.images(), [])
  for await (const { id } of driver.sandboxes()) assert.fail(`${id} is no sandbox`)
  // What another user made may resist, but it reserves nothing and hinders nobody.
  const sandbox = await driver.create(specOf({ upper: 'memory' }), { signal })
  assert.equal((await shell(sandbox, 'stat -f -c %T /run/forkyard/upper')).trim(), 'tmpfs')
  await driver.freeze(await driver.create(specOf(), { signal }), 'img_fine')
  await driver.drop('img_fine')
  assert.ok(existsSync(`${folder}/outside/witness`))
})
