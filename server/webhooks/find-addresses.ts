// Finds the addresses of hosts that callers name, without a thread: `dns.lookup` holds one of the few that a process has for that
// until a name server has answered, and nothing frees it.
import dns from 'node:dns'
import type { LookupAddress } from 'node:dns'
import { Resolver, lookup } from 'node:dns/promises'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { atMost } from '../concurrency/at-most.ts'

/** Each name server is asked twice. */
const PATIENCE = { timeout: 2_000, maxTimeout: 3_000, tries: 2 }

const HOSTS_FILE =
  process.platform === 'win32'
    ? join(process.env['SYSTEMROOT'] ?? 'C:\\Windows', 'System32\\drivers\\etc\\hosts')
    : '/etc/hosts'

/** The system finds names of its own. It would be asked of names that callers have chosen, too, so it has one thread for all of them. */
const oneAtATime = atMost(1)

/** @throws when there is none, when no name server answers in time, or when `signal` aborts. */
export async function findAddresses(host: string, signal: AbortSignal): Promise<LookupAddress[]> {
  // No domain of a caller's is without a dot, so its name servers are not asked.
  if (!host.includes('.') || (await isInHostsFile(host))) {
    return oneAtATime(() => lookup(host, { all: true }))
  }
  signal.throwIfAborted()
  const resolver = new Resolver(PATIENCE)
  // Of the module: what `dns.setServers` sets, a function that was imported by name does not know.
  resolver.setServers(dns.getServers())
  const cancel = () => resolver.cancel()
  signal.addEventListener('abort', cancel, { once: true })
  try {
    return await askFor(host, resolver)
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}

/** Of the two families one is enough. */
async function askFor(host: string, resolver: Resolver): Promise<LookupAddress[]> {
  const [four, six] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)])
  const addresses = [
    ...valueOf(four).map((address) => ({ address, family: 4 })),
    ...valueOf(six).map((address) => ({ address, family: 6 })),
  ]
  if (addresses.length === 0) throw four.status === 'rejected' ? four.reason : new Error('It has no address.')
  return addresses
}

function valueOf(settled: PromiseSettledResult<string[]>): string[] {
  return settled.status === 'fulfilled' ? settled.value : []
}

async function isInHostsFile(host: string): Promise<boolean> {
  const text = await readFile(HOSTS_FILE, 'utf8').catch(() => '')
  return text.split('\n').some((line) => {
    const [, ...names] = line.replace(/#.*/, '').trim().split(/\s+/)
    return names.some((name) => name.toLowerCase() === host)
  })
}
