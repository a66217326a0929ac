import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  mountPlan,
  planFields,
  storagePlan,
  viewPlan,
  type HolderStep,
  type MountSpec,
} from '../../../src/sandbox/local/mount-plan.ts'

const spec: MountSpec = {
  stateDir: '/state',
  etcDir: '/state/tools/etc',
  diskDir: null,
  layers: ['img_2', 'img_1'],
  network: 'none',
  diskBytes: 1000,
  inodes: 10,
  tmpBytes: 2000,
  shmBytes: 3000,
  certificatesDir: '/etc/ssl',
  alternativesDir: '/etc/alternatives',
  links: [{ name: 'bin', target: 'usr/bin' }],
}
const READ_ONLY = 1
const NOSUID = 2
const NODEV = 4
const REMOUNT = 32
const BIND = 4096
const NEWNET = 0x40000000

const mountsOf = (steps: readonly HolderStep[]) =>
  steps
    .filter(([name]) => name === 'mount')
    .map(([, source, target, type, flags, data]) => ({
      source: String(source),
      target: String(target),
      type: String(type),
      flags: Number(flags),
      data: String(data),
    }))

const options = (plan: readonly HolderStep[]): string =>
  mountsOf(plan).find(({ type }) => type === 'overlay')?.data ?? ''

test('namespaces come first, and nothing is mounted before mounts are private', () => {
  const steps = mountPlan(spec)
  const names = steps.map(([name]) => name)
  assert.ok(names.indexOf('unshare') < names.indexOf('mount'))
  assert.deepEqual(steps[names.indexOf('mount')], ['mount', 'none', '/', '', 16384 | (1 << 18), ''])
})

test('a network namespace of its own, with loopback, is what "none" means; "host" has neither, but certificates', () => {
  const unshared = (plan: readonly HolderStep[]): number => Number(plan.find(([name]) => name === 'unshare')?.[1])
  const isolated = mountPlan(spec)
  assert.notEqual(unshared(isolated) & NEWNET, 0)
  assert.ok(isolated.some(([name]) => name === 'loopback'))
  assert.ok(!mountsOf(isolated).some(({ source }) => source === '/etc/ssl'))
  const host = mountPlan({ ...spec, network: 'host' })
  assert.equal(unshared(host) & NEWNET, 0)
  assert.ok(!host.some(([name]) => name === 'loopback'))
  assert.ok(mountsOf(host).some(({ source }) => source === '/etc/ssl'))
})

test('of the host only /usr, the alternatives, devices and what is below the state directory is shown', () => {
  const sources = mountsOf(mountPlan(spec))
    .map(({ source }) => source)
    .filter((source) => source.startsWith('/') && !source.startsWith('/state/'))
  const devices = ['null', 'zero', 'full', 'random', 'urandom', 'tty'].map((name) => `/dev/${name}`)
  assert.deepEqual(sources, ['/usr', '/etc/alternatives', ...devices])
})

test('what is bound from the host, but for devices, is made read-only, without setuid and devices', () => {
  const mounts = mountsOf(mountPlan(spec))
  const binds = mounts.filter(
    ({ source, flags }) => flags === BIND && source.startsWith('/') && !source.startsWith('/dev/'),
  )
  const own = ['/state/mnt/tmp', '/state/mnt/home']
  for (const { target } of binds.filter((bind) => !own.includes(bind.target))) {
    const remount = mounts.find((mount) => mount.target === target && (mount.flags & REMOUNT) !== 0)
    assert.equal(remount?.flags, REMOUNT | BIND | READ_ONLY | NOSUID | NODEV, target)
  }
  assert.equal(mounts.at(-1)?.target, '/state/mnt')
  assert.equal(mounts.at(-1)?.flags, REMOUNT | BIND | READ_ONLY | NOSUID | NODEV)
})

test('every file system that can be written has a size, a number of files, and no setuid', () => {
  const memory = mountsOf(mountPlan(spec)).filter(({ type }) => type === 'tmpfs')
  for (const { target, data, flags } of memory) {
    assert.match(data, /^size=\d+[km]?,nr_inodes=\d+,mode=\d+$/, target)
    assert.equal(flags, NOSUID | NODEV, target)
  }
  assert.deepEqual(
    memory.map(({ target, data }) => [target, data.split(',')[0]]),
    [
      ['/state/mnt', 'size=1m'],
      ['/state/mnt/dev', 'size=64k'],
      ['/state/mnt/dev/shm', 'size=3000'],
      ['/state/mnt/tmp', 'size=2000'],
      ['/state/rw', 'size=1000'],
    ],
  )
})

test('the overlay is stacked newest first, with relative names, in the unprivileged form', () => {
  assert.equal(
    options(mountPlan(spec)),
    'userxattr,index=off,xino=off,lowerdir=layers/img_2:layers/img_1,upperdir=rw/upper,workdir=rw/work',
  )
  assert.match(options(mountPlan({ ...spec, layers: [] })), /lowerdir=layers\/empty,/)
})

test('an upper on disk is bound from its directory and not synced on unmount; one in memory is never both', () => {
  const disk = mountPlan({ ...spec, diskDir: '/state/run/sb_1' })
  assert.match(options(disk), /,volatile$/)
  assert.ok(mountsOf(disk).some(({ source, target }) => source === '/state/run/sb_1' && target === '/state/rw'))
  assert.ok(!mountsOf(disk).some(({ target, type }) => target === '/state/rw' && type === 'tmpfs'))
  assert.doesNotMatch(options(mountPlan(spec)), /volatile/)
})

test('a plan in two parts is the same plan, with room to mount an overlay over an upper that is full', () => {
  const whole = mountPlan(spec)
  const [storage, view] = [storagePlan(spec), viewPlan(spec)]
  const limitOf = (steps: readonly HolderStep[]) =>
    mountsOf(steps).flatMap(({ target, data }) => (target === '/state/rw' ? [data] : []))
  assert.deepEqual(limitOf(whole), ['size=1000,nr_inodes=10,mode=700'])
  assert.deepEqual(
    [...limitOf(storage), ...limitOf(view)],
    ['size=1000,nr_inodes=26,mode=700', 'size=1000,nr_inodes=10'],
  )
  const isOther = ([, , target]: HolderStep): boolean => target !== '/state/rw'
  assert.deepEqual([...storage, ...view].filter(isOther), whole.filter(isOther))
  assert.deepEqual(
    mountsOf(storage).filter(({ type, target }) => type === 'overlay' || target.includes('/run/')),
    [],
  )
  const onDisk = { ...spec, diskDir: '/state/run/sb_1' }
  assert.deepEqual([...storagePlan(onDisk), ...viewPlan(onDisk)], mountPlan(onDisk))
})

test('a plan survives its way to the holder: as many fields as were sent, in their order', () => {
  const field = fc.oneof(
    fc.string().map((text) => text.replaceAll('\0', '')),
    fc.nat(),
  )
  const step = fc
    .tuple(fc.constantFrom('mount', 'mkdir', 'write'), fc.array(field))
    .map(([name, rest]): HolderStep => [name, ...rest])
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const fields = [...planFields(steps)]
      const read: string[][] = []
      while (fields.length > 0) {
        const [name = '', count = ''] = fields.splice(0, 2)
        read.push([name, ...fields.splice(0, Number(count))])
      }
      assert.deepEqual(
        read,
        steps.map((one) => one.map(String)),
      )
    }),
  )
})
