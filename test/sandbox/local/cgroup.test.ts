import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { test } from 'node:test'
import {
  createCgroup,
  findCgroups,
  hasMaker,
  listCgroups,
  openCgroup,
  settings,
  type Cgroups,
} from '../../../src/sandbox/local/cgroup.ts'
import { thisProcess } from '../../../src/core/process-identity.ts'
import { removeGroups } from '../../../src/sandbox/local/reaper.ts'
import { enterableFolder } from '../../support/local-sandboxes.ts'

const limits = { diskBytes: 1, inodes: 1, memoryBytes: 1024, processes: 7, cpus: 1.5 }
const controllers = ['memory', 'pids', 'cpu']

/** A folder that looks like a control group file system, and the file that says where we are in it. */
function fakeRoot(own: string, files: Readonly<Record<string, string>>) {
  const root = enterableFolder()
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(`${root}/${path}`), { recursive: true })
    writeFileSync(`${root}/${path}`, content)
  }
  writeFileSync(`${root}/own`, own)
  return { root, own: `${root}/own` }
}

/** In a real one the kernel makes the files of a new group. */
function version1Root(path = '') {
  const files = controllers.map((name) => [`${name}${path}/forkyard/cgroup.procs`, ''])
  const own = controllers.map((name, index) => `${index}:${name}:${path === '' ? '/' : path}\n`).join('')
  return fakeRoot(own, Object.fromEntries(files))
}

test('limits of version 2 stand in one group; when memory ends, one program goes and not the sandbox', () => {
  const written = Object.fromEntries(settings(2, limits))
  assert.deepEqual(
    { memory: written['memory.max'], group: written['memory.oom.group'], pids: written['pids.max'] },
    { memory: '1024', group: undefined, pids: '7' },
  )
  assert.equal(written['cpu.max'], '150000 100000')
})

test('limits of version 1 stand in one group for each controller', () => {
  assert.deepEqual(settings(1, limits), [
    ['memory.limit_in_bytes', '1024'],
    ['pids.max', '7'],
    ['cpu.cfs_period_us', '100000'],
    ['cpu.cfs_quota_us', '150000'],
  ])
})

test('version 2 is used where our own group has all controllers', () => {
  const place = fakeRoot('0::/service\n', { 'service/cgroup.controllers': 'cpu io memory pids\n' })
  const found = findCgroups(place)
  assert.equal(found?.version, 2)
  assert.deepEqual(found.bases, [`${place.root}/service/forkyard`])
  assert.equal(readFileSync(`${place.root}/service/cgroup.subtree_control`, 'utf8'), '+memory +pids +cpu')
})

test('version 2 without one of the controllers is not enough', () => {
  assert.equal(findCgroups(fakeRoot('0::/\n', { 'cgroup.controllers': 'hugetlb memory cpu\n' })), null)
})

test('version 1 is used where each controller has a group of ours, below the one we are in', () => {
  const place = version1Root('/slice/a:b')
  assert.deepEqual(
    findCgroups(place)?.bases,
    controllers.map((name) => `${place.root}/${name}/slice/a:b/forkyard`),
  )
})

test('a folder that is no control group is none, and neither is a missing one', () => {
  const own = controllers.map((name) => `1:${name}:/\n`).join('')
  assert.equal(findCgroups(fakeRoot(own, { 'memory/file': '' })), null)
  assert.equal(findCgroups({ ...fakeRoot(own, {}), root: '/nowhere' }), null)
})

test('groups of different state directories bear different names, and each sees its own only', () => {
  const place = version1Root()
  const [one, other] = ['/one', '/other'].map((stateDir) => findCgroups({ ...place, stateDir }) as Cgroups) as [
    Cgroups,
    Cgroups,
  ]
  createCgroup(one).limit(limits)
  const [id = ''] = listCgroups(one)
  assert.ok(hasMaker(id))
  assert.deepEqual(listCgroups(other), [])
  const written = readFileSync(`${place.root}/pids/forkyard/${one.prefix}${id}/pids.max`, 'utf8')
  assert.equal(written, '7')
})

test('a group that is refused is told as host_unable, and no half of it stays', () => {
  const place = version1Root()
  const found = findCgroups(place) as Cgroups
  // The second controller cannot have one: a file is in its place.
  rmSync(`${place.root}/pids/forkyard`, { recursive: true })
  writeFileSync(`${place.root}/pids/forkyard`, '')
  assert.throws(() => createCgroup(found), { code: 'host_unable' })
  assert.deepEqual(readdirSync(`${place.root}/memory/forkyard`), ['cgroup.procs'])
  const group = createCgroup({ ...found, bases: found.bases.slice(0, 1) })
  group.remove()
  assert.throws(() => group.limit(limits), { code: 'host_unable' })
})

test('a group whose maker is gone is known by its name', () => {
  const { pid, startTime } = thisProcess()
  assert.ok(hasMaker(`${pid}.${startTime}.ab`))
  for (const id of [`${pid}.1.ab`, `${2 ** 30}.${startTime}.ab`, 'x.y.z']) assert.ok(!hasMaker(id), id)
})

test('what a limit stopped is told once, memory before processes', () => {
  const place = version1Root()
  const found = findCgroups(place) as Cgroups
  const group = createCgroup(found)
  const [id] = listCgroups(found)
  const set = (controller: string, file: string, text: string): void =>
    writeFileSync(`${place.root}/${controller}/forkyard/${found.prefix}${id}/${file}`, text)
  assert.equal(group.limitHit(), null)
  set('memory', 'memory.oom_control', 'oom_kill_disable 0\nunder_oom 0\noom_kill 1\n')
  set('pids', 'pids.events', 'max 3\n')
  assert.equal(group.limitHit(), 'memory_limit')
  assert.equal(group.limitHit(), null)
  set('pids', 'pids.events', 'max 4\n')
  assert.equal(group.limitHit(), 'process_limit')
  assert.equal(group.limitHit(), null)
})

test('a group of this host, where it lets us make one, takes limits and processes and goes again', async () => {
  const found = findCgroups({ stateDir: '/a-test-of-groups' })
  if (found === null) {
    // The other half of this promise, that everybody is told, is tested with the driver and with doctor.
    assert.notEqual(process.getuid?.(), 0, 'root without control groups')
    return
  }
  const group = createCgroup(found)
  const id = listCgroups(found).find((one) => one.startsWith(`${process.pid}.`)) ?? ''
  const child = spawn('sleep', ['100'])
  try {
    group.limit({ ...limits, memoryBytes: 64 * 1024 * 1024 })
    assert.deepEqual(group.processes(), [])
    await group.join(child.pid ?? 0)
    assert.deepEqual(group.processes(), [child.pid])
    assert.ok(!group.remove())
    const base = `${found.bases.find((path) => found.version === 2 || path.includes('/pids/'))}/${found.prefix}${id}`
    assert.equal(readFileSync(`${base}/pids.max`, 'utf8').trim(), '7')
  } finally {
    child.kill('SIGKILL')
    await once(child, 'exit')
    assert.ok(await removeGroups(group))
  }
  assert.ok(openCgroup(found, id).remove(), 'a group that is gone counts as removed')
  assert.ok(!listCgroups(found).includes(id))
})
