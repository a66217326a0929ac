import { lookup as systemLookup } from 'node:dns/promises'
import { BlockList, isIP, isIPv4 } from 'node:net'
import { AppError } from '../../core/errors.ts'

/** One answer of the name system. */
export interface Address {
  readonly address: string
  readonly family: 4 | 6
}

/** Asks the name system for every address of a host. */
export type Lookup = (host: string) => Promise<readonly Address[]>

/** IPv4 ranges that are not somebody's public host (IANA special-purpose registry), and clouds' own services. */
const specialIpv4 = blockList('ipv4', [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '168.63.129.16/32',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
])
const globalIpv6 = blockList('ipv6', ['2000::/3'])
/** Inside 2000::/3: protocol assignments with Teredo and ORCHID, documentation, 6to4. */
const specialIpv6 = blockList('ipv6', ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'])

/** Whether an IP address is a public host's: global unicast, also where IPv6 only wraps an IPv4 address. */
export function isGlobalUnicast(address: string): boolean {
  if (isIPv4(address)) return !specialIpv4.check(address, 'ipv4')
  const groups = ipv6Groups(address)
  if (groups === null) return false
  const wrapped = groups.slice(6).flatMap((group) => [group >> 8, group & 255])
  const prefix = groups
    .slice(0, 6)
    .map((group) => group.toString(16))
    .join(':')
  // Mapped addresses and NAT64 reach the IPv4 host inside them.
  if (prefix === '0:0:0:0:0:ffff' || prefix === '64:ff9b:0:0:0:0') return isGlobalUnicast(wrapped.join('.'))
  return globalIpv6.check(address, 'ipv6') && !specialIpv6.check(address, 'ipv6')
}

/**
 * The one address to connect to. Every answer is judged, so that a second look-up has nothing to change; one that is
 * not global makes the whole host `host_forbidden` unless `isAllowed`.
 */
export async function resolveAddress(
  host: string,
  { lookup = lookUp, isAllowed }: { readonly lookup?: Lookup | undefined; readonly isAllowed: boolean },
): Promise<Address> {
  const bare = host.replace(/^\[(.*)\]$/, '$1')
  const family = isIP(bare)
  const answers = family === 0 ? await ask(lookup, host) : [{ address: bare, family: family as 4 | 6 }]
  const [first] = answers
  if (first === undefined) throw new AppError('host_unknown', `Cannot reach ${host}: the name has no address`)
  if (!isAllowed && !answers.every(({ address }) => isGlobalUnicast(address))) {
    throw new AppError('host_forbidden', `Cannot reach ${host}: it is not a public address`, { details: { host } })
  }
  return first
}

async function ask(lookup: Lookup, host: string): Promise<readonly Address[]> {
  try {
    return await lookup(host)
  } catch (cause) {
    throw new AppError('host_unknown', `Cannot reach ${host}: the name is unknown`, { details: { host }, cause })
  }
}

async function lookUp(host: string): Promise<readonly Address[]> {
  const answers = await systemLookup(host, { all: true, order: 'ipv4first' })
  return answers.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }))
}

/** The eight groups of an IPv6 address without zone; `null` for anything else. */
function ipv6Groups(address: string): number[] | null {
  if (isIP(address) !== 6 || address.includes('%')) return null
  const normal = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [head = '', tail] = normal.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const middle = Array.from({ length: 8 - left.length - right.length }, () => '0')
  return [...left, ...middle, ...right].map((group) => Number.parseInt(group, 16))
}

function blockList(family: 'ipv4' | 'ipv6', ranges: readonly string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [network = '', bits] = range.split('/')
    list.addSubnet(network, Number(bits), family)
  }
  return list
}
