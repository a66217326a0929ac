import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { chmodSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo, type ListenOptions } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { after, before, test } from 'node:test'
import type { Sandbox, SandboxDriver } from '../../../src/sandbox/contract.ts'
import { enterableFolder, openDriver, shell, specOf } from '../../support/local-sandboxes.ts'
import { probeInside, probeOutside, told, type Attempt, type Expectation } from '../../support/probe.ts'

const signal = new AbortController().signal
const folder = enterableFolder()
const temporary = `${tmpdir()}/forkyard-test-${randomUUID()}`
const abstract = `forkyard-test-${randomUUID()}`
const others = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
  .map(({ address }) => address)
const STREAM = 1
const DATAGRAM = 2
const RAW = 3

let driver: SandboxDriver
let isolated: Sandbox
let connected: Sandbox
let port = 0
const greeted: string[] = []
const stops: (() => void)[] = []

async function listen(options: ListenOptions, name: string): Promise<number> {
  const server = createServer((socket) => {
    greeted.push(name)
    socket.on('error', () => {}).end('hello')
  })
  server.listen(options)
  await once(server, 'listening')
  stops.push(() => server.close())
  return (server.address() as AddressInfo).port
}

before(async () => {
  port = await listen({ host: '::', port: 0 }, 'tcp')
  for (const path of [`${folder}/socket`, temporary]) {
    await listen({ path }, path)
    chmodSync(path, 0o777)
  }
  await listen({ path: `\0${abstract}` }, 'abstract')
  const datagrams = createSocket({ type: 'udp6' })
  datagrams.on('message', (_, from) => {
    greeted.push('udp')
    datagrams.send('hello', from.port, from.address)
  })
  datagrams.bind(port, '::')
  await once(datagrams, 'listening')
  stops.push(
    () => datagrams.close(),
    () => rmSync(temporary, { force: true }),
  )
  driver = await openDriver(`${folder}/state`)
  isolated = await driver.create(specOf({ upper: 'memory' }), { signal })
  connected = await driver.create(specOf({ upper: 'memory', network: 'host' }), { signal })
})
after(async () => {
  await driver.close()
  for (const stop of stops) stop()
})

const expectations = (): readonly Expectation[] => [
  // Its own loopback, on which nobody listens.
  [['tcp', '127.0.0.1', port], 'ECONNREFUSED', 'ok'],
  [['udp', '127.0.0.1', port], 'ECONNREFUSED', 'ok'],
  ...others.flatMap((address): Expectation[] => [
    [['tcp', address, port], 'ENETUNREACH', 'ok'],
    [['udp', address, port], 'ENETUNREACH', 'ok'],
  ]),
  [['tcp', '169.254.169.254', 80], 'ENETUNREACH'],
  [['udp', '192.0.2.53', 53], 'ENETUNREACH'],
  [['resolve', 'example.com'], 'EHOSTUNREACH'],
  [['unix', `${folder}/socket`], 'ENOENT', 'ok'],
  [['unix', temporary], 'ENOENT', 'ok'],
  [['abstract', abstract], 'ECONNREFUSED', 'ok'],
]

const families: readonly Expectation[] = [
  [['socket', 40, STREAM, 0], 'EAFNOSUPPORT'], // vsock
  [['socket', 16, RAW, 0], 'EAFNOSUPPORT', 'ok'], // netlink
  [['socket', 17, RAW, 0], 'EAFNOSUPPORT'], // packet
  [['socket', 38, 5, 0], 'EAFNOSUPPORT', 'ok'], // kernel crypto
  [['socket', 2, RAW, 1], 'EPERM'], // raw ICMP
  [['socket', 2, DATAGRAM, 1], 'EACCES'], // ping
]

test('a program without network reaches no address and no socket that answers outside', async () => {
  const all = expectations()
  const attempts = all.map(([attempt]) => attempt)
  greeted.length = 0
  const inside = told(attempts, await probeInside(isolated, attempts))
  assert.deepEqual(greeted, [], 'nobody outside heard anything')
  assert.deepEqual(
    inside,
    told(
      attempts,
      all.map(([, end]) => end),
    ),
  )
  const reachable = all.filter(([, , outside]) => outside === 'ok').map(([attempt]) => attempt)
  assert.deepEqual(
    told(reachable, await probeOutside(reachable)),
    told(
      reachable,
      reachable.map(() => 'ok'),
    ),
  )
  assert.ok(greeted.length >= reachable.length)
})

test('a program with network reaches addresses, but neither the path sockets of the host nor other families', async () => {
  const reachable: Attempt[] = ['127.0.0.1', ...others].flatMap((address) => [
    ['tcp', address, port],
    ['udp', address, port],
  ])
  assert.deepEqual(
    told(reachable, await probeInside(connected, reachable)),
    told(
      reachable,
      reachable.map(() => 'ok'),
    ),
  )
  const paths: Attempt[] = [
    ['unix', `${folder}/socket`],
    ['unix', temporary],
  ]
  assert.deepEqual(await probeInside(connected, paths), ['ENOENT', 'ENOENT'])
  await familiesAreRefused(connected)
})

test('families of sockets that leave a network namespace, or carry old code, are refused', async () => {
  await familiesAreRefused(isolated)
  const open = families.filter(([, , outside]) => outside === 'ok').map(([attempt]) => attempt)
  const outside = await probeOutside(open)
  // A kernel may be built without one; it must not be we who cannot ask.
  for (const end of outside) assert.match(end, /^(ok|EAFNOSUPPORT)$/)
  assert.ok(outside.includes('ok'))
})

test('a program without network can still talk to itself', async () => {
  const script = `use IO::Socket::INET; my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') or die $!;
    if (!fork) { my $c = IO::Socket::INET->new(PeerAddr => '127.0.0.1:' . $s->sockport) or die $!; print $c 'itself'; exit }
    print $s->accept->getline`
  assert.equal(await shell(isolated, `exec perl -e "$script"`, { env: { PATH: '/usr/bin', script } }), 'itself')
})

async function familiesAreRefused(sandbox: Sandbox): Promise<void> {
  const attempts = families.map(([attempt]) => attempt)
  const ends = await probeInside(sandbox, attempts)
  // The host may let everybody ping; that is no more than a datagram.
  const plain = ends.map((end, index) => (index === 5 && end === 'ok' ? 'EACCES' : end))
  assert.deepEqual(
    told(attempts, plain),
    told(
      attempts,
      families.map(([, end]) => end),
    ),
  )
}
