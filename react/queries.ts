import type { AgentClient } from '../client/agent-client.ts'
import { AgentRuntimeError } from '../server/contract/agent-runtime-error.ts'

const ids = new WeakMap<AgentClient['conversations'], number>()
let lastId = 0

/**
 * Begins the keys of all conversations that were read through a client. Two clients on one `QueryClient` may be
 * of two servers, or of two callers: neither may be shown what the other read.
 */
export function conversationsKey({ conversations }: Pick<AgentClient, 'conversations'>): readonly unknown[] {
  let id = ids.get(conversations)
  if (id === undefined) ids.set(conversations, (id = lastId += 1))
  return ['trpc-agent-runtime', id, 'conversations']
}

/** Asked again: what may go better another time. A refusal stays one. */
export function isWorthRetrying(failures: number, error: Error): boolean {
  const isRefusal = error instanceof AgentRuntimeError && error.status < 500 && error.code !== 'rate_limited'
  return failures < 3 && !isRefusal
}
