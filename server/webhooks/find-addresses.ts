// Finds the addresses of hosts that callers name, without `dns.lookup`. That would hold one of the process's few
// threads until a name server answers, and cannot be cancelled.
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

/**
 * Names without a dot and names in the hosts file are left to the system. Callers choose these names too, so together
 * they may hold only one thread.
 */
const oneAtATime = atMost(1)

/** @throws when the host has no address, no name server answers in time, or `signal` aborts. */
export async function findAddresses(host: string, signal: AbortSignal): Promise<LookupAddress[]> {
  // A name without a dot is no public domain, so no caller's name server is asked.
  if (!host.includes('.') || (await isInHostsFile(host))) {
    return oneAtATime(() => lookup(host, { all: true }))
  }
  signal.throwIfAborted()
  const resolver = new Resolver(PATIENCE)
  // Ask the module for its servers: a `getServers` imported by name would not see those that `dns.setServers` set.
  resolver.setServers(dns.getServers())
  const cancel = () => resolver.cancel()
  signal.addEventListener('abort', cancel, { once: true })
  try {
    return await askFor(host, resolver)
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}

/** Asks for addresses of both families. One family is enough. */
async function askFor(host: string, resolver: Resolver): Promise<LookupAddress[]> {
  const [four, six] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)])
  const addresses = [
    ...valueOf(four).map((address) => ({ address, family: 4 })),
    ...valueOf(six).map((address) => ({ address, family: 6 })),
  ]
  if (addresses.length === 0)
    throw four.status === 'rejected' ? four.reason : new Error('The host has no address.')
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
