// The network that a request came from, for limits per network. A limit per address would not hold: an IPv6 customer has
// at least 2^64 addresses.
import { BlockList, isIP } from 'node:net'

const IPV4_BITS = 32
const IPV6_BITS = 128

/** Names for the networks over which proxies are usually reached. */
const NAMED: Record<string, readonly string[]> = {
  loopback: ['127.0.0.0/8', '::1'],
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
}

/** Whether it is an address, a network such as 10.0.0.0/8, or the name of some. */
export function isNetwork(text: string): boolean {
  if (Object.hasOwn(NAMED, text)) return true
  const [address = '', bits] = text.split('/')
  const version = isIP(address)
  if (version === 0) return false
  return (
    bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? IPV4_BITS : IPV6_BITS))
  )
}

function toBlockList(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks.flatMap((one) => NAMED[one] ?? one)) {
    const [address = '', bits] = network.split('/')
    const family = familyOf(address)
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return list
}

const familyOf = (address: string) => (isIP(address) === 6 ? 'ipv6' : 'ipv4')

/** What is known about the origin of a request. */
export interface Origin {
  /** The socket's address. Undefined if the server did not pass it on. */
  remoteAddress: string | undefined
  /** The header X-Forwarded-For. Anybody can send it, so only the part that trusted proxies wrote counts. */
  forwardedFor: string | null | undefined
}

/**
 * @param trustedProxies as {@link isNetwork} takes them.
 * @returns a function that returns the caller's network: an IPv4 address, or the first half of an IPv6
 *   address; undefined if it is not known.
 */
export function createNetworkOf(trustedProxies: readonly string[]): (origin: Origin) => string | undefined {
  const trusted = toBlockList(trustedProxies)
  const isTrusted = (address: string) => trusted.check(address, familyOf(address))

  return ({ remoteAddress, forwardedFor }) => {
    let address = toAddress(remoteAddress)
    // Each proxy appends the address of its client. Everything left of the first untrusted address may be forged.
    const hops = (forwardedFor ?? '').split(',')
    while (address !== undefined && isTrusted(address)) {
      const before = toAddress(hops.pop()?.trim())
      if (before === undefined) break
      address = before
    }
    return address === undefined ? undefined : toNetwork(address)
  }
}

/** IPv4 unchanged, IPv6 in its shortest form, both without a port or zone. */
function toAddress(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const bare = /^\[(?<v6>[^\]]*)\](?::\d+)?$|^(?<v4>[\d.]+):\d+$/.exec(text)?.groups ?? {}
  const address = (bare['v6'] ?? bare['v4'] ?? text).replace(/%.*$/, '')
  const version = isIP(address)
  if (version === 0) return undefined
  if (version === 4) return address
  const shortest = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const mapped = /^::ffff:(?<high>[\da-f]+):(?<low>[\da-f]+)$/.exec(shortest)?.groups
  return mapped === undefined ? shortest : toIpv4(mapped['high'] ?? '', mapped['low'] ?? '')
}

function toIpv4(...groups: string[]): string {
  return groups
    .flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff])
    .join('.')
}

const GROUPS = 8

function toNetwork(address: string): string {
  if (isIP(address) === 4) return address
  const [head = '', tail] = address.split('::')
  const [left, right] = [groupsOf(head), groupsOf(tail ?? '')]
  const middle = Array.from(
    { length: tail === undefined ? 0 : GROUPS - left.length - right.length },
    () => '0',
  )
  return `${[...left, ...middle, ...right].slice(0, GROUPS / 2).join(':')}::/64`
}

const groupsOf = (text: string) => (text === '' ? [] : text.split(':'))
