import { setTimeout as sleep } from 'node:timers/promises'
import type { RestClient } from '../../support/rest-client.ts'
import { createRestClient } from '../../support/rest-client.ts'
import type { ApiMember } from './fleet.ts'
import type { Random } from './random.ts'

/** A caller's access to servers that may be gone. Each call may go to another server. */
export interface ApiAccess {
  fetch: typeof globalThis.fetch
  rest: RestClient
}

const RETRY_MS = 100

export function createApiAccess(servers: readonly ApiMember[], random: Random): ApiAccess {
  const toServer: typeof globalThis.fetch = (input, init) => {
    const request = new Request(input, init)
    const { pathname, search } = new URL(request.url)
    const { url, gone } = random.pick(servers)
    const signal = AbortSignal.any([request.signal, gone])
    return fetch(new Request(`${url}${pathname}${search}`, request), { signal })
  }
  return { fetch: toServer, rest: createRestClient((request) => toServer(request)) }
}

/**
 * Repeats a call until it has an answer, after lost connections and server errors. `tries` tells whether an
 * earlier try may have succeeded.
 */
export async function persistently<T extends { status: number }>(
  call: () => Promise<T>,
  signal: AbortSignal,
): Promise<T & { tries: number }> {
  for (let tries = 1; ; tries += 1) {
    signal.throwIfAborted()
    const answer = await call().catch(() => undefined)
    if (answer !== undefined && answer.status < 500) return { ...answer, tries }
    await sleep(RETRY_MS)
  }
}
