import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hasCode, type ErrorCode } from '../../../src/core/errors.ts'
import { isGlobalUnicast, resolveAddress, type Address } from '../../../src/git/remote/address.ts'

const notPublic = {
  metadata: ['169.254.169.254', 'fd00:ec2::254', '100.100.100.200', '168.63.129.16', '192.0.0.192'],
  loopback: ['127.0.0.1', '127.255.255.254', '::1'],
  'this network': ['0.0.0.0', '0.1.2.3', '::'],
  private: ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', 'fc00::1', 'fdff:ffff::1', 'fec0::1'],
  'carrier-grade NAT': ['100.64.0.1', '100.127.255.255'],
  'link-local': ['169.254.0.1', 'fe80::1', 'febf::1', 'fe80::1%eth0'],
  multicast: ['224.0.0.1', '239.255.255.255', 'ff02::1'],
  reserved: ['240.0.0.1', '255.255.255.255', '192.0.2.1', '198.51.100.1', '203.0.113.1', '198.18.0.1', '2001:db8::1'],
  'documentation and discard': ['3fff::1', '100::1', '5f00::1'],
  mapped: ['::ffff:127.0.0.1', '::ffff:a9fe:a9fe', '::FFFF:10.0.0.1', '0:0:0:0:0:ffff:7f00:1'],
  compatible: ['::127.0.0.1', '::8.8.8.8'],
  NAT64: ['64:ff9b::127.0.0.1', '64:ff9b::a9fe:a9fe', '64:ff9b:1::8.8.8.8'],
  '6to4': ['2002:7f00:1::', '2002:a9fe:a9fe::1', '2002:808:808::1'],
  Teredo: ['2001::1', '2001:0:7f00:1::'],
  'what is no address': ['', 'example.com', '127.1', '0x7f.0.0.1', '2130706433', '1.2.3.4.5', ':::'],
}

for (const [kind, addresses] of Object.entries(notPublic)) {
  test(`${kind} is not a public address`, () => {
    for (const address of addresses) assert.equal(isGlobalUnicast(address), false, address)
  })
}

test('ordinary hosts are public, also inside a mapped or NAT64 address', () => {
  const addresses = [
    '8.8.8.8',
    '140.82.121.4',
    '100.63.255.255',
    '100.128.0.0',
    '172.15.0.1',
    '172.32.0.1',
    '223.255.255.255',
  ]
  for (const address of addresses) {
    for (const form of [address, `::ffff:${address}`, `64:ff9b::${address}`])
      assert.equal(isGlobalUnicast(form), true, form)
  }
  for (const address of ['2606:4700::6810:84e5', '2a00:1450:4001:82b::200e', '2001:4860:4860::8888']) {
    assert.equal(isGlobalUnicast(address), true, address)
  }
})

test('an IPv6 address means the same in every spelling', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(0xffff), { minLength: 8, maxLength: 8 }), (groups) => {
      const long = groups.map((group) => group.toString(16).padStart(4, '0')).join(':')
      const short = new URL(`http://[${long}]`).hostname.slice(1, -1)
      assert.equal(isGlobalUnicast(long), isGlobalUnicast(short))
      assert.equal(isGlobalUnicast(long.toUpperCase()), isGlobalUnicast(short))
    }),
  )
})

function answering(...addresses: string[]): () => Promise<readonly Address[]> {
  return () => Promise.resolve(addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })))
}

function withCode(code: ErrorCode) {
  return (error: unknown) => hasCode(error, code)
}

test('a host is refused if any of its answers is not public', async () => {
  for (const bad of ['127.0.0.1', '10.0.0.1', '169.254.169.254', '::1', '::ffff:127.0.0.1']) {
    const lookup = answering('8.8.8.8', bad)
    await assert.rejects(resolveAddress('host.example', { lookup, isAllowed: false }), withCode('host_forbidden'))
    assert.equal((await resolveAddress('host.example', { lookup, isAllowed: true })).address, '8.8.8.8')
  }
})

test('the first of several public answers is the one to connect to', async () => {
  const lookup = answering('8.8.8.8', '2001:4860:4860::8888')
  assert.deepEqual(await resolveAddress('host.example', { lookup, isAllowed: false }), {
    address: '8.8.8.8',
    family: 4,
  })
})

test('a literal address is judged without asking the name system', async () => {
  const lookup = () => Promise.reject(new Error('asked'))
  assert.deepEqual(await resolveAddress('8.8.8.8', { lookup, isAllowed: false }), { address: '8.8.8.8', family: 4 })
  assert.deepEqual(await resolveAddress('[::1]', { lookup, isAllowed: true }), { address: '::1', family: 6 })
  for (const host of ['127.0.0.1', '[::1]', '[::ffff:7f00:1]']) {
    await assert.rejects(resolveAddress(host, { lookup, isAllowed: false }), withCode('host_forbidden'))
  }
})

test('a name that is unknown or has no address is host_unknown', async () => {
  await assert.rejects(
    resolveAddress('host.example', { lookup: answering(), isAllowed: false }),
    withCode('host_unknown'),
  )
  // The real name system; ".invalid" never exists.
  await assert.rejects(resolveAddress('host.invalid', { isAllowed: false }), withCode('host_unknown'))
})

test('the real name system says that localhost is not public', async () => {
  await assert.rejects(resolveAddress('localhost', { isAllowed: false }), withCode('host_forbidden'))
})
