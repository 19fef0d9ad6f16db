import type { AgentContext } from '../../server/agent/context.ts'
import type { Agent, AgentEvents } from '../../server/agent/agent.ts'
import { defineAgent } from '../../server/agent/define-agent.ts'

export interface HeldAgent {
  agent: Agent<string, undefined, undefined, Record<never, AgentEvents[string]>>
  /** The context of the n-th attempt that started, over all runs, from 0. */
  attempt(index: number): Promise<AgentContext>
  /** How many attempts were started. */
  readonly started: number
  /** Lets every attempt succeed, also later ones. */
  release(): void
}

/** An agent that continues until it is released or, unless it is `deaf`, its signal aborts. */
export function createHeldAgent({ key = 'held', deaf = false } = {}): HeldAgent {
  const contexts: PromiseWithResolvers<AgentContext>[] = []
  const slot = (index: number) => (contexts[index] ??= Promise.withResolvers())
  const released = Promise.withResolvers<void>()
  let started = 0

  return {
    agent: defineAgent({
      key,
      async run(ctx) {
        slot(started).resolve(ctx)
        started += 1
        const aborted = new Promise<never>((_, reject) => {
          if (!deaf) ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason))
        })
        await Promise.race([released.promise, aborted])
        return { output: 'released' }
      },
    }),
    attempt: (index) => slot(index).promise,
    get started() {
      return started
    },
    release: () => released.resolve(),
  }
}
