import { describe, expect, vi } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../../../../server/index.ts'
import type { AnyRunEvent } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'

/** Says a word each time the test asks for one. */
function createSpeaker() {
  const asked: PromiseWithResolvers<number | null>[] = [Promise.withResolvers()]
  const agent = defineAgent({
    key: 'speaker',
    events: { word: { schema: z.number() } },
    async run(ctx) {
      for (let index = 0; ; index += 1) {
        const word = await asked[index]?.promise
        if (word === null || word === undefined) return
        await ctx.emit('word', word)
      }
    },
  })
  const answer = (word: number | null) => {
    asked.push(Promise.withResolvers())
    asked.at(-2)?.resolve(word)
  }
  return { agent, say: (word: number) => answer(word), end: () => answer(null) }
}

const killListeners = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE datname = current_database() AND application_name = 'agent-runtime listen'`
const killAll = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE datname = current_database() AND application_name LIKE 'agent-runtime%'`
const listeners = `SELECT pid FROM pg_stat_activity
  WHERE datname = current_database() AND application_name = 'agent-runtime listen'`

describe('without the connection that listens', () => {
  test('no event is lost, however often it breaks', async ({ createServer, database }) => {
    const { agent, say, end } = createSpeaker()
    const { rest, trpc, log } = await createServer({ agents: [agent] })
    const id = await rest.create('speaker')
    const seen: AnyRunEvent[] = []
    const overTrpc = trpc.events({ runId: id }, { onEvent: (event) => seen.push(event) })
    const stream = await rest.stream(`runs/${id}/events`)
    await stream.until('run.started')
    for (let round = 0; round < 6; round += 1) {
      say(round * 2)
      await database.sql(killListeners)
      say(round * 2 + 1)
      expect(await stream.next()).toMatchObject({ payload: round * 2 })
      expect(await stream.next()).toMatchObject({ payload: round * 2 + 1 })
    }
    end()
    expect(await stream.until('run.succeeded')).toHaveLength(1)
    expect(said(await overTrpc)).toEqual(Array.from({ length: 12 }, (_, n) => n))
    expect(log.some(({ message }) => message.includes('listening connection broke'))).toBe(true)
  })

  test('a run queued, or cancelled, while it is broken is seen when it is back', async ({
    createServer,
    database,
  }) => {
    const { agent } = createSpeaker()
    const api = await createServer({ agents: [agent], worker: false })
    await createServer({ agents: [agent] })
    for (let round = 0; round < 3; round += 1) {
      await database.sql(killListeners)
      const id = await api.rest.create('speaker')
      const stream = await api.rest.stream(`runs/${id}/events?include_all=1`)
      expect(await stream.next()).toMatchObject({ type: 'run.started' })
      await database.sql(killListeners)
      expect((await api.rest.post(`runs/${id}/cancel`)).status).toBe(200)
      expect(await stream.next()).toMatchObject({ type: 'run.cancelled' })
    }
  })

  test('a server stops as cleanly, wherever it is in connecting again', async ({
    createServer,
    database,
  }) => {
    const { agent } = createSpeaker()
    for (let turns = 0; turns < 8; turns += 1) {
      const { runtime } = await createServer({ agents: [agent], worker: false })
      await runtime.start()
      await database.sql(killListeners)
      if (turns % 2 === 1) {
        const isBack = async () => expect(await database.sql(listeners)).toHaveLength(1)
        await vi.waitFor(isBack, { interval: 1 })
      }
      for (let i = 0; i < turns; i += 1) await new Promise((resolve) => setImmediate(resolve))
      await runtime.stop()
    }
  })
})

test('where nobody may notify, polling does it all', async ({ createServer, database }) => {
  const { agent, say, end } = createSpeaker()
  const url = new URL(database.url)
  const role = `quiet_${url.pathname.slice(1)}`
  await database.sql(`
    CREATE ROLE ${role} LOGIN PASSWORD 'quiet';
    GRANT ALL ON SCHEMA agent_runtime, agent_runtime_queue TO ${role};
    GRANT ALL ON ALL TABLES IN SCHEMA agent_runtime, agent_runtime_queue TO ${role};
    REVOKE EXECUTE ON FUNCTION pg_catalog.pg_notify (text, text) FROM PUBLIC`)
  url.username = role
  url.password = 'quiet'
  const config = { databaseUrl: url.href, queuePollIntervalSeconds: 0.05, streamPollIntervalSeconds: 0.05 }
  const { rest, trpc, log } = await createServer({ agents: [agent], config })
  const id = await rest.create('speaker')
  const following = [rest.events(`runs/${id}/events`), trpc.events({ runId: id })]
  for (const word of [1, 2, 3]) say(word)
  end()
  for (const events of await Promise.all(following)) {
    expect(said(events)).toEqual([1, 2, 3])
  }
  expect(log.some(({ message }) => message.includes('polling covers it'))).toBe(true)
  await rest.events(`runs/${id}/events`)
  await database.sql(`DROP OWNED BY ${role}`)
})

describe('when all connections break at once, again and again', () => {
  test('what runs goes on: every event of it is written once and in order', async ({
    createServer,
    database,
  }) => {
    const [runs, rounds] = [10, 15]
    const gates = Array.from({ length: rounds + 1 }, () => Promise.withResolvers<void>())
    let started = 0
    const agent = defineAgent({
      key: 'agent',
      events: { word: { schema: z.string() } },
      async run(ctx) {
        started += 1
        for (const [round, gate] of gates.entries()) {
          await gate.promise
          for (let n = 0; n < 5; n += 1) await ctx.emit('word', `${round}.${n}`)
          await new Promise((resolve) => setImmediate(resolve))
          await ctx.emitMessage(`${round}`)
        }
        return { output: 'all said' }
      },
    })
    const { rest, log } = await createServer({ agents: [agent] })
    const ids = await Promise.all(Array.from({ length: runs }, () => rest.create('agent')))
    await expect.poll(() => started).toBe(runs)
    for (const [round, gate] of gates.entries()) {
      gate.resolve()
      for (let i = 0; i < round; i += 1) await new Promise((resolve) => setImmediate(resolve))
      if (round < rounds) await database.sql(killAll)
    }
    await vi.waitFor(async () => {
      const left = await database.sql(`SELECT id FROM agent_runtime.run WHERE status <> 'succeeded'`)
      expect(left).toEqual([])
    })
    const words = gates.flatMap((_, round) => [
      ...Array.from({ length: 5 }, (_, n) => `${round}.${n}`),
      `${round}`,
    ])
    for (const id of ids) {
      const events = await rest.events(`runs/${id}/events`)
      expect(
        said(events).map((payload) => (typeof payload === 'string' ? payload : contentOf(payload))),
      ).toEqual(words)
    }
    expect(log.some(({ message }) => message.includes('writing events failed'))).toBe(true)
  })
})

/** The events that the agent emitted. */
function said(events: readonly { type: string; payload: unknown }[]): unknown[] {
  return events.filter(({ type }) => !type.startsWith('run.')).map(({ payload }) => payload)
}

function contentOf(payload: unknown): unknown {
  return (payload as { content: unknown }).content
}
