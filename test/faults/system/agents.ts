import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import type { AgentContext } from '../../../server/index.ts'
import { defineAgent } from '../../../server/index.ts'
import type { Trace } from './trace.ts'

/** Enough attempts for a run to survive all that a scenario does to its workers. */
const MANY_ATTEMPTS = 50

type Tell = (trace: Trace) => Promise<void>

/** The agents of the load. `tell` writes down what they did, outside of the runtime. */
export function createAgents(tell: Tell) {
  /** Where an attempt runs, and when it ended. */
  const begin = ({ runId, attempt }: Pick<AgentContext, 'runId' | 'attempt'>): Disposable => {
    void tell({ runId, attempt, kind: 'started' })
    return { [Symbol.dispose]: () => void tell({ runId, attempt, kind: 'over' }) }
  }

  const noop = defineAgent({ key: 'noop', maxAttempts: MANY_ATTEMPTS, async run() {} })

  const stream = defineAgent({
    key: 'stream',
    maxAttempts: MANY_ATTEMPTS,
    params: z.object({ deltas: z.int(), pauseMs: z.number() }),
    output: z.object({ said: z.number() }),
    async run(ctx) {
      using _ = begin(ctx)
      const { deltas, pauseMs } = ctx.params
      const messageId = `m${ctx.attempt}`
      for (let delta = 1; delta <= deltas; delta += 1) {
        await ctx.emit('assistant.delta', { messageId, content: `${delta} ` })
        await sleep(pauseMs, undefined, { signal: ctx.signal })
      }
      return { output: { said: deltas } }
    },
  })

  const steps = defineAgent({
    key: 'steps',
    maxAttempts: MANY_ATTEMPTS,
    params: z.object({ steps: z.int(), pauseMs: z.number() }),
    output: z.object({ results: z.array(z.string()) }),
    async run(ctx) {
      using _ = begin(ctx)
      const { runId, attempt, signal } = ctx
      const results: string[] = []
      for (let step = 1; step <= ctx.params.steps; step += 1) {
        // Two names, since steps are told apart by name and by occurrence.
        const name = step % 2 === 0 ? 'even' : 'odd'
        const occurrence = Math.ceil(step / 2)
        const result = await ctx.step(name, async () => {
          await tell({ runId, attempt, kind: 'step', name, occurrence })
          await sleep(ctx.params.pauseMs, undefined, { signal })
          return `${name} ${occurrence}`
        })
        results.push(result)
      }
      return { output: { results } }
    },
  })

  const flaky = defineAgent({
    key: 'flaky',
    maxAttempts: 3,
    params: z.object({ failures: z.int(), pauseMs: z.number() }),
    async run(ctx) {
      using _ = begin(ctx)
      await ctx.emitMessage(`attempt ${ctx.attempt}`)
      await sleep(ctx.params.pauseMs, undefined, { signal: ctx.signal })
      if (ctx.attempt <= ctx.params.failures) throw new Error('As planned.')
    },
  })

  const deaf = defineAgent({
    key: 'deaf',
    maxAttempts: MANY_ATTEMPTS,
    params: z.object({ pauseMs: z.number() }),
    async run(ctx) {
      using _ = begin(ctx)
      await sleep(ctx.params.pauseMs)
      await ctx.emitMessage('still here')
      return { output: 'done' }
    },
  })

  const deadly = defineAgent({
    key: 'deadly',
    maxAttempts: 3,
    async run(ctx) {
      await ctx.emitMessage('farewell')
      process.kill(process.pid, 'SIGKILL')
      // Signals are delivered, not returned.
      await sleep(60_000)
    },
  })

  const careless = defineAgent({
    key: 'careless',
    maxAttempts: 3,
    async run(ctx) {
      await ctx.emitMessage('not waiting')
      void sleep(10).then(() => Promise.reject(new Error('As planned.')))
      await sleep(60_000, undefined, { signal: ctx.signal })
    },
  })

  const blocking = defineAgent({
    key: 'blocking',
    maxAttempts: 3,
    timeoutMs: 5_000,
    async run(ctx) {
      await ctx.emitMessage('blocking')
      // Not before that was sent.
      await sleep(200)
      for (;;) Math.random()
    },
  })

  const asking = defineAgent({
    key: 'asking',
    maxAttempts: MANY_ATTEMPTS,
    output: z.array(z.number()),
    async run(ctx) {
      using _ = begin(ctx)
      const [a, b] = await Promise.all([ctx.wait('a', z.number()), ctx.wait('b', z.number())])
      return { output: [a.value, b.value] }
    },
  })

  return [noop, stream, steps, flaky, deaf, deadly, careless, blocking, asking] as const
}
