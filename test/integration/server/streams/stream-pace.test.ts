// A reader is told how long a stream may be silent before the connection counts as dead. The time is shorter
// while one of its runs is running.
import { expect } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../../../../server/index.ts'
import { hostRuntimes } from '../../../support/node-host.ts'
import { openRawSocket } from '../../../support/raw-socket.ts'
import { test } from '../../../support/runtime.ts'

const RUNNING = 4_500
const IDLE = 45_000

/** Asks for approval when the test says so, and ends when it says so. */
function createAsker() {
  const [asks, ends] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const agent = defineAgent({
    key: 'asker',
    async run(ctx) {
      await asks.promise
      await ctx.wait('go', z.boolean())
      await ends.promise
    },
  })
  return { agent, ask: () => asks.resolve(), end: () => ends.resolve() }
}

/** What a stream of server-sent events says: the deadlines, and the types of events. */
async function* tellings(response: Response): AsyncGenerator<number | string> {
  let text = ''
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const lines = (text + chunk).split('\n')
    text = lines.pop() ?? ''
    for (const line of lines) {
      if (!line.startsWith('data: {')) continue
      const data = JSON.parse(line.slice(6)) as { reconnectAfterInactivityMs?: number; type?: string }
      yield data.reconnectAfterInactivityMs ?? data.type ?? ''
    }
  }
}

test.for(['runs', 'conversations'] as const)(
  'a stream of %s is watched closely while a run is running, over server-sent events',
  async (of, { createServer }) => {
    const { agent, ask, end } = createAsker()
    const { rest, runtime } = await createServer({ agents: [agent] })
    const { body } = await rest.post('conversations', {})
    const { id: conversationId } = body as { id: string }
    const runId = await rest.create('asker', { conversationId })
    const input = JSON.stringify(of === 'runs' ? { runId } : { conversationId })
    const open = async (lastEventId = '') => {
      const url = `http://runtime.test/trpc/${of}.events?input=${encodeURIComponent(input)}`
      return runtime.handler(new Request(url, { headers: { 'last-event-id': lastEventId } }))
    }
    const heard: (number | string)[] = []
    for await (const told of tellings(await open())) {
      heard.push(told)
      if (told === 'run.started') ask()
      if (told === IDLE && heard.includes('run.waiting')) {
        // A reader that comes while the run waits needs no event to know it.
        const { value } = await tellings(await open('2')).next()
        if (of === 'runs') expect(value).toBe(IDLE)
        await rest.post(`runs/${runId}/respond`, { wait: 'go', value: true })
      }
      if (told === RUNNING && heard.includes('run.resumed')) end()
      if (told === 'run.succeeded') break
    }
    const deadlines = heard.filter((told) => typeof told === 'number')
    // The first part of a conversation that was read has no run.
    expect(deadlines).toEqual([...(of === 'runs' ? [] : [IDLE]), RUNNING, IDLE, RUNNING])
  },
)

test('a run is watched closely while a run that it waits for works, and not while that one waits for somebody', async ({
  createServer,
}) => {
  const { agent, ask, end } = createAsker()
  const parent = defineAgent({ key: 'parent', run: (ctx) => ctx.runAgent(agent) })
  const { rest, runtime } = await createServer({ agents: [parent, agent] })
  const runId = await rest.create('parent')
  const open = (lastEventId = '') => {
    const url = `http://runtime.test/trpc/runs.events?input=${encodeURIComponent(JSON.stringify({ runId }))}`
    return runtime.handler(new Request(url, { headers: { 'last-event-id': lastEventId } }))
  }
  const heard: (number | string)[] = []
  for await (const told of tellings(await open())) {
    heard.push(told)
    if (told === 'run.waiting') {
      expect(await tellings(await open('2')).next()).toMatchObject({ value: RUNNING })
      ask()
    }
    if (told === IDLE) await rest.post(`runs/${runId}/respond`, { wait: 'go', value: true })
    if (told === RUNNING && heard.includes(IDLE)) end()
    if (told === 'run.succeeded') break
  }
  expect(heard.filter((told) => typeof told === 'number')).toEqual([RUNNING, IDLE, RUNNING])
  expect(heard.indexOf(IDLE)).toBeGreaterThan(heard.indexOf('child.waiting'))
})

test('a run is watched closely while it is running, over a socket', async ({ createServer }) => {
  const { agent, ask, end } = createAsker()
  const { rest, runtime } = await createServer({ agents: [agent] })
  await using host = await hostRuntimes(runtime)
  using raw = await openRawSocket(host.socketUrl)
  const runId = await rest.create('asker')
  raw.send({ id: 1, method: 'subscription', params: { path: 'runs.events', input: { runId } } })
  const pace = async () => (await raw.until(({ result }) => result?.type === 'started')).at(-1)?.result
  expect(await pace()).toEqual({ type: 'started', reconnectAfterInactivityMs: RUNNING })
  ask()
  expect(await pace()).toEqual({ type: 'started' })
  await rest.post(`runs/${runId}/respond`, { wait: 'go', value: true })
  expect(await pace()).toEqual({ type: 'started', reconnectAfterInactivityMs: RUNNING })
  end()
  await raw.until(({ result }) => result?.type === 'stopped')
})

test('also where streams speak more often than that', async ({ createServer }) => {
  const { agent, ask, end } = createAsker()
  const { rest, runtime } = await createServer({ agents: [agent], config: { streamKeepAliveSeconds: 1 } })
  await using host = await hostRuntimes(runtime)
  using raw = await openRawSocket(host.socketUrl)
  const runId = await rest.create('asker')
  raw.send({ id: 1, method: 'subscription', params: { path: 'runs.events', input: { runId } } })
  const pace = async () => (await raw.until(({ result }) => result?.type === 'started')).at(-1)?.result
  expect(await pace()).toEqual({ type: 'started', reconnectAfterInactivityMs: 3_000 })
  ask()
  expect(await pace()).toEqual({ type: 'started' })
  await rest.post(`runs/${runId}/respond`, { wait: 'go', value: true })
  end()
  await raw.until(({ result }) => result?.type === 'stopped')
})
