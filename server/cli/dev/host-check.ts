// Decides who may use a server without authentication, such as `dev`. A page of a foreign host can reach it
// in the developer's browser: directly, or by a host name that resolves to this machine.
import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'

/** Why a request is refused, in a sentence; undefined if it is not. */
export type HostCheck = (request: Pick<IncomingMessage, 'headers'>) => string | undefined

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8)
LOOPBACK.addAddress('::1', 'ipv6')

/**
 * Accepts requests whose host is a name of this machine, one of `names`, or an address, which cannot be made
 * to resolve to another. A page that sends a request must be from this machine, from one of `names`, or from
 * the server itself.
 */
export function createHostCheck(names: readonly string[]): HostCheck {
  const known = new Set(names.map((name) => name.toLowerCase()))
  const isOurs = (name: string): boolean =>
    name === 'localhost' || name.endsWith('.localhost') || isLoopback(name) || known.has(name)

  return ({ headers: { host = '', origin } }) => {
    const name = hostnameOf(`http://${host}`)
    if (name === undefined || !(isOurs(name) || familyOf(name) !== undefined)) {
      return `This server is not called ${JSON.stringify(host)}. ${remedyFor(name)}`
    }
    if (origin === undefined) return undefined
    const page = hostnameOf(origin)
    if (page !== undefined && (page === name || isOurs(page))) return undefined
    return `Pages of ${JSON.stringify(origin)} may not ask this server. ${remedyFor(page)}`
  }
}

const remedyFor = (name = 'example.com'): string => `--allowed-hosts ${name} would allow it.`

function hostnameOf(url: string): string | undefined {
  // An IPv6 address is in brackets there.
  return URL.canParse(url) ? new URL(url).hostname.replace(/^\[(.*)\]$/, '$1') || undefined : undefined
}

function familyOf(name: string): 'ipv4' | 'ipv6' | undefined {
  const version = isIP(name)
  return version === 0 ? undefined : version === 4 ? 'ipv4' : 'ipv6'
}

function isLoopback(name: string): boolean {
  const family = familyOf(name)
  return family !== undefined && LOOPBACK.check(name, family)
}
