// The behaviour that every queue must have, seen from outside: by its runs.
import { describe, expect, vi } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../../../../server/index.ts'
import type { Settings } from '../../../../server/index.ts'
import { outputOf } from '../../../support/rest-client.ts'
import { test } from '../../../support/runtime.ts'

/** Time for automatic work on a busy machine. */
export const PATIENCE_MS = 25_000

export interface Backend extends AsyncDisposable {
  config: Settings
  /** Puts an entry that is no delivery into an agent's queue. */
  putForeign(
    agentKey: string,
    payload: object,
    database: { sql(text: string, values?: unknown[]): Promise<unknown> },
  ): Promise<void>
}

/** Records which runs it executed, in order. */
function createRecorder() {
  const executed: string[] = []
  const agent = defineAgent({
    key: 'recorder',
    params: z.object({ name: z.string().default('') }),
    async run({ params, runId }) {
      executed.push(params.name || runId)
      return { output: null }
    },
  })
  return { agent, executed }
}

export function testQueue(createBackend: () => Promise<Backend>): void {
  const queueTest = test.extend<{ backend: Backend }>({
    // oxlint-disable-next-line no-empty-pattern -- Vitest wants to see that it depends on nothing
    backend: async ({}, use) => {
      await using backend = await createBackend()
      await use(backend)
    },
  })

  describe('a queue', () => {
    queueTest('hands out a run at once, though nobody polls', async ({ backend, createServer }) => {
      const { agent } = createRecorder()
      const { rest } = await createServer({ agents: [agent], config: backend.config })
      const events = await rest.events(`runs/${await rest.create('recorder')}/events`)
      expect(events.at(-1)?.type).toBe('run.succeeded')
    })

    queueTest(
      'hands out what was there before its worker, the most important first, else in order',
      async ({ backend, createServer }) => {
        const { agent, executed } = createRecorder()
        const { rest, runtime } = await createServer({
          agents: [agent],
          config: backend.config,
          worker: false,
        })
        const ids: string[] = []
        for (const [name, priority] of [
          ['first', 0],
          ['second', 0],
          ['least', -100],
          ['most', 100],
        ] as const)
          ids.push(await rest.create('recorder', { params: { name }, priority }))
        await runtime.startWorker({ concurrency: 1 })
        await Promise.all(ids.map((id) => rest.events(`runs/${id}/events`)))
        expect(executed).toEqual(['most', 'first', 'second', 'least'])
      },
    )

    queueTest('hands out what is for later then, and not before', async ({ backend, createServer }) => {
      const { agent } = createRecorder()
      const config = { ...backend.config, queuePollIntervalSeconds: 0.1 }
      const { rest } = await createServer({ agents: [agent], config })
      const runAt = new Date(Date.now() + 1_500).toISOString()
      const runId = await rest.create('recorder', { run_at: runAt })
      const [started] = await rest.events(`runs/${runId}/events?include_all=1`)
      expect(started).toMatchObject({ type: 'run.started' })
      // Both have the same clock; a column of the run has milliseconds.
      expect(Date.parse(String(started?.['ts']))).toBeGreaterThanOrEqual(Date.parse(runAt) - 2)
    })

    queueTest('hands out the next attempt of a run after its delay', async ({ backend, createServer }) => {
      const agent = defineAgent({
        key: 'second-time-lucky',
        async run({ attempt }) {
          if (attempt < 3) throw new Error('not yet')
          return { output: attempt }
        },
      })
      const config = { ...backend.config, maxAttempts: 3 }
      const { rest } = await createServer({ agents: [agent], config })
      const runId = await rest.create('second-time-lucky')
      const types = (await rest.events(`runs/${runId}/events`)).map(({ type }) => type)
      expect(types.filter((type) => type === 'run.retrying')).toHaveLength(2)
      expect(types.at(-1)).toBe('run.succeeded')
    })

    queueTest(
      'hands out a run that waited: with its answer at once, else when its time is up',
      async ({ backend, createServer }) => {
        const agent = defineAgent({
          key: 'patient',
          params: z.object({ timeoutMs: z.number() }),
          async run(ctx) {
            const outcome = await ctx.wait('name', z.string(), { timeoutMs: ctx.params.timeoutMs })
            return { output: outcome.status === 'answered' ? outcome.value : 'late' }
          },
        })
        const config = { ...backend.config, queuePollIntervalSeconds: 0.1 }
        const { rest } = await createServer({ agents: [agent], config })
        const [answered = '', late = ''] = await Promise.all(
          [60_000, 500].map((timeoutMs) => rest.create('patient', { params: { timeoutMs } })),
        )
        await vi.waitFor(async () => {
          expect((await rest.get(`runs/${answered}`)).body['status']).toBe('waiting')
        }, PATIENCE_MS)
        await rest.post(`runs/${answered}/respond`, { wait: 'name', value: 'Ada' })
        for (const id of [answered, late]) await rest.events(`runs/${id}/events`)
        const outputs = await Promise.all([answered, late].map((id) => rest.get(`runs/${id}`)))
        expect(outputs.map(({ body }) => outputOf(body))).toEqual(['Ada', 'late'])
      },
    )

    queueTest(
      'hands out each run once, whatever the number of servers and workers',
      async ({ backend, createServer }) => {
        const { agent, executed } = createRecorder()
        const options = { agents: [agent], config: backend.config, worker: { concurrency: 5 } }
        const servers = [await createServer(options), await createServer(options)]
        const ids = await Promise.all(
          Array.from({ length: 80 }, (_, index) => servers[index % 2]!.rest.create('recorder')),
        )
        await Promise.all(ids.map((id) => servers[0]!.rest.events(`runs/${id}/events`)))
        expect(executed.toSorted()).toEqual(ids.toSorted())
      },
    )

    queueTest(
      'sets aside what is no delivery, and hands out the rest',
      async ({ backend, createServer, database }) => {
        const { agent } = createRecorder()
        const { rest, runtime, log } = await createServer({
          agents: [agent],
          config: backend.config,
          worker: false,
        })
        await runtime.start()
        // Creates the queue, if it is created at its first use.
        const before = await rest.create('recorder')
        await vi.waitFor(async () => backend.putForeign('recorder', { runId: 7 }, database), PATIENCE_MS)
        const after = await rest.create('recorder')
        await runtime.startWorker()
        for (const id of [before, after]) await rest.events(`runs/${id}/events`)
        expect(log.filter(({ level }) => level === 'error')).toEqual([
          expect.objectContaining({
            fields: expect.objectContaining({ queue: 'recorder', payload: { runId: 7 } }),
            message: 'a job that is not a delivery is now a dead letter',
          }),
        ])
      },
    )
  })
}
