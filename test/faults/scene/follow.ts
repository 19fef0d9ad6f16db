import { setTimeout as sleep } from 'node:timers/promises'
import { createAgentClient } from '../../../client/create-client.ts'
import type { AnyRunEvent } from '../../../server/contract/event.ts'
import { isTerminal, isTerminalEvent } from '../../../server/contract/terminal.ts'
import type { RunStatus } from '../../../server/contract/run.ts'
import type runtime from '../system/runtime.ts'
import type { ApiAccess } from './api-access.ts'
import { persistently } from './api-access.ts'
import type { RunPlan } from './plan.ts'

/** What a reader saw of a run, to its end, over as many connections as needed. */
export interface Seen {
  seqs: number[]
  lastType: string
  attempts: number[]
}

const RETRY_MS = 100

/**
 * Reads a run to its end.
 *
 * @returns undefined for `none`, which only waits
 */
export function follow(
  how: RunPlan['follower'],
  runId: string,
  { api, signal }: { api: ApiAccess; signal: AbortSignal },
): Promise<Seen | undefined> {
  switch (how) {
    case 'sdk':
      return followBySdk(runId, api, signal)
    case 'sse':
      return followBySse(runId, api, signal)
    case 'none':
      return untilOver(runId, api, signal)
  }
}

async function followBySdk(runId: string, api: ApiAccess, signal: AbortSignal): Promise<Seen> {
  const client = createAgentClient<typeof runtime>({
    url: 'http://any.test/trpc',
    fetch: api.fetch,
    reconnect: { initialDelayMs: 50, maxDelayMs: 500 },
  })
  for (;;) {
    signal.throwIfAborted()
    // The client only resumes its streams by itself. The first look at a run may meet a server that is down.
    const run = await client.runs.follow(runId, { signal }).catch(() => sleep(RETRY_MS))
    if (run === undefined) continue
    const seen: Seen = { seqs: [], lastType: '', attempts: [] }
    for await (const event of run.events({ includeAll: true, signal })) note(seen, event)
    return seen
  }
}

/** Like a client in any language, it sends the last event it read with the next connection. */
async function followBySse(runId: string, api: ApiAccess, signal: AbortSignal): Promise<Seen> {
  const seen: Seen = { seqs: [], lastType: '', attempts: [] }
  while (!isTerminalEvent(seen.lastType)) {
    signal.throwIfAborted()
    try {
      const last = seen.seqs.at(-1)
      const headers: Record<string, string> = last === undefined ? {} : { 'last-event-id': String(last) }
      const stream = await api.rest.stream(`runs/${runId}/events?include_all=1`, { headers, signal })
      for (let event = await stream.next(); event !== undefined; event = await stream.next())
        note(seen, event)
    } catch {
      // It was lost, or refused while the server or its database was away.
      await sleep(RETRY_MS)
    }
  }
  return seen
}

function note(seen: Seen, { seq, type, attempt }: Pick<AnyRunEvent, 'seq' | 'type' | 'attempt'>): void {
  seen.seqs.push(seq)
  seen.attempts.push(attempt)
  seen.lastType = type
}

async function untilOver(runId: string, api: ApiAccess, signal: AbortSignal): Promise<undefined> {
  for (;;) {
    const { body } = await persistently(() => api.rest.get(`runs/${runId}`, { signal }), signal)
    if (isTerminal(body['status'] as RunStatus)) return
    await sleep(RETRY_MS * 3)
  }
}
