import { AsyncLocalStorage } from 'node:async_hooks'
import type { AgentContext } from './context.ts'

const storage = new AsyncLocalStorage<AgentContext>()

/** Runs an agent so that what it calls finds its context. */
export function runWithContext<T>(ctx: AgentContext, run: () => T): T {
  return storage.run(ctx, run)
}

/** The context of the agent whose code is running. */
export function currentContext(): AgentContext | undefined {
  return storage.getStore()
}
