import type { AgentShape } from '../server/contract/agent-shape.ts'
import type { RunStore } from './run-store.ts'
import type { EventSelection } from './transport.ts'

/** Runs nobody looks at that are remembered, so that coming back shows them at once. */
export const MAX_IDLE_STORES = 20

/** One store for each run and selection: all views of it share a connection. */
export function createRunStores<TShape extends AgentShape>(
  create: (runId: string, selection: EventSelection) => RunStore<TShape>,
): (runId: string, selection?: EventSelection) => RunStore<TShape> {
  const stores = new Map<string, RunStore<TShape>>()
  return (runId, selection = {}) => {
    const key = `${runId} ${selection.includeDebug === true} ${selection.includeAll === true}`
    const store = stores.get(key) ?? create(runId, selection)
    // Taken out and put back: a map iterates in the order of insertion, so the least recently used come first.
    stores.delete(key)
    stores.set(key, store)
    const idle = [...stores].filter(([, other]) => other !== store && !other.hasListeners)
    for (const [oldest] of idle.slice(0, -MAX_IDLE_STORES)) stores.delete(oldest)
    return store
  }
}
