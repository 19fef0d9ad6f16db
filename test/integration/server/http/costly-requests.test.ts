// Bounds what one request may cost, by count and by bytes, before the work is done.
import { describe, expect, onTestFinished, vi } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../../../../server/index.ts'
import { recordStatements } from '../../../support/record-statements.ts'
import type { RestClient } from '../../../support/rest-client.ts'
import { test } from '../../../support/runtime.ts'

// It computes for seconds, also where it gets little of a machine.
vi.setConfig({ testTimeout: 180_000 })

const agent = defineAgent({
  key: 'agent',
  params: z.object({ numbers: z.array(z.number()).optional() }),
  run: async () => {},
})
const options = { agents: [agent], worker: false } as const

/** The largest allowed body. */
const MIB = 1_048_576
const MAX_REFUSAL_CHARACTERS = 8_000
const json = { 'content-type': 'application/json' }

/** A JSON array with as many items as fit a body. */
const filled = (item: string, bytes = MIB - 1_000) =>
  `[${Array.from({ length: Math.floor(bytes / (item.length + 1)) }, () => item).join(',')}]`
const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`

const BODIES = [
  { what: 'messages that are none', text: `"messages":${filled('1')}` },
  { what: 'empty messages', text: `"messages":${filled('{}')}` },
  { what: 'many messages', text: `"messages":${filled('{"role":"user","content":""}')}` },
  {
    what: 'calls that are none',
    text: `"messages":[{"role":"assistant","content":null,"tool_calls":${filled('1')},"toolCalls":${filled('1', 1)}}]`,
  },
  { what: 'params that do not match', text: `"params":{"numbers":${filled('""')}}` },
  { what: 'a few params that do not match', text: `"params":{"numbers":${filled('""', 60_000)}}` },
  { what: 'wide metadata', text: `"metadata":{"a":${filled('[[]]')}}` },
  { what: 'deep metadata', text: `"metadata":{"a":${nested(500_000)}}` },
  { what: 'deep and wide metadata', text: `"metadata":{"a":${filled(nested(490))}}` },
  { what: 'a field nobody knows, deep', text: `"nothing":${nested(500_000)}` },
  { what: 'a long name of a field', text: `"${'a'.repeat(MIB - 1_000)}":1` },
  { what: 'many fields nobody knows', text: Array.from({ length: 80_000 }, (_, i) => `"k${i}":1`).join(',') },
  { what: 'a long agent key', text: `"agent_key":"${'a'.repeat(MIB - 1_000)}"` },
  { what: 'a long time', text: `"run_at":"${'1'.repeat(MIB - 1_000)}"` },
]

const post = (rest: RestClient, path: string, body: string) =>
  rest.send(path, { method: 'POST', headers: json, body })

/** CPU time of this process, in milliseconds. Other processes of the machine do not change it. */
async function cpuMs(work: () => unknown): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

describe('a body as large as one may be', () => {
  test('is refused in few words', async ({ createServer, database }) => {
    const { rest, log } = await createServer(options)
    for (const { what, text } of BODIES) {
      for (const body of [`{"agent_key":"agent",${text}}`, `{"agentKey":"agent",${text}}`]) {
        const path = body.includes('agentKey') ? '/trpc/runs.create' : 'runs'
        const response = await post(rest, path, body)
        const answer = await response.text()
        if (response.status === 200) continue // tRPC ignores a field that it does not know
        expect([what, path, response.status]).toEqual([what, path, 400])
        expect([what, path, answer.length]).toSatisfy(
          ([, , length]: [string, string, number]) => length < MAX_REFUSAL_CHARACTERS,
        )
      }
    }
    expect(log.filter(({ level }) => level === 'error')).toEqual([])
    const [{ messages } = { messages: -1 }] = await database.sql<{ messages: number }>(
      'SELECT count(*)::int AS messages FROM agent_runtime.message',
    )
    expect(messages).toBe(0)
  })

  test('is looked at in not much more time than it takes to read it', async ({ createServer }) => {
    const { rest } = await createServer(options)
    const bodies = [
      ...BODIES,
      { what: 'as many values as are taken', text: `"metadata":{"a":${filled('[[[]]]', 80_000)}}` },
    ]
    for (const { what, text } of bodies) {
      const body = `{"agent_key":"agent",${text}}`
      await post(rest, 'runs', body)
      const reading = await cpuMs(() => {
        for (let i = 0; i < 5; i += 1) JSON.parse(body)
      })
      const refusing = await cpuMs(() => post(rest, 'runs', body))
      expect([what, refusing]).toSatisfy(([, ms]: [string, number]) => ms < 5 * reading + 200)
    }
  })

  test('names the first things that are wrong, and how many more there are', async ({ createServer }) => {
    const { rest, trpc } = await createServer(options)
    const numbers = Array.from({ length: 1_000 }, () => 'x')
    const { body } = await rest.post('runs', { agent_key: 'agent', params: { numbers } })
    expect(body).toMatchObject({ code: 'validation_failed', error: expect.stringContaining('990 more') })
    const details = body['details'] as { path: string }[]
    expect(details.map(({ path }) => path)).toEqual(
      Array.from({ length: 10 }, (_, index) => `params.numbers.${index}`),
    )
    const messages = Array.from({ length: 100 }, () => ({ role: 'user' })) as never
    await expect(trpc.client.runs.create.mutate({ agentKey: 'agent', messages })).rejects.toMatchObject({
      data: { error: { code: 'validation_failed', details: { length: 10 } } },
    })
  })
})

describe('a batch of calls', () => {
  test('is answered up to a bound', async ({ createServer }) => {
    const { rest } = await createServer(options)
    const id = await rest.create('agent')
    const batch = async (size: number, method: 'GET' | 'POST') => {
      const paths = Array.from({ length: size }, () => 'runs.get').join(',')
      const input = JSON.stringify(
        Object.fromEntries(Array.from({ length: size }, (_, i) => [i, { runId: id }])),
      )
      return method === 'GET'
        ? rest.send(`/trpc/${paths}?batch=1&input=${encodeURIComponent(input)}`, {})
        : post(rest, `/trpc/${paths}?batch=1`, input)
    }
    for (const method of ['GET', 'POST'] as const) {
      const answer = (await (await batch(10, method)).json()) as { result: { data: { id: string } } }[]
      expect(answer.map(({ result }) => result.data.id)).toEqual(Array.from({ length: 10 }, () => id))
      expect((await batch(11, method)).status).toBe(400)
      const refused = await batch(1_500, method)
      expect(refused.status).toBe(400)
      const text = await refused.text()
      expect(text.length).toBeLessThan(MAX_REFUSAL_CHARACTERS)
      expect(text).toContain('Batch call exceeds maximum size')
    }
  })
})

test('a long unknown name is not repeated in full', async ({ createServer }) => {
  const { rest } = await createServer(options)
  const long = 'a'.repeat(100_000)
  for (const path of [
    long,
    `runs/${long}`,
    `runs?agent_key=${long}`,
    `runs?cursor=${long}`,
    `runs?status=${long}`,
    `/${long}`,
    `/trpc/${long}`,
    `/trpc/runs.get?input=${long}`,
    `/trpc/runs.events?input=${long}`,
  ]) {
    const response = await rest.send(path, {})
    const text = await response.text()
    expect([path.slice(0, 20), text.length]).toSatisfy(
      ([, length]: [string, number]) => length < MAX_REFUSAL_CHARACTERS,
    )
  }
})

test('what anybody may ask is answered to many at once for the price of one', async ({ createServer }) => {
  const { runtime } = await createServer(options)
  const ask = (path: string) => runtime.handler(new Request(`http://localhost${path}`))
  const statements = recordStatements()
  expect((await ask('/readyz')).status).toBe(200)
  const ofOne = statements.count
  const answers = await Promise.all(Array.from({ length: 200 }, () => ask('/readyz')))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
  expect(statements.count).toBeLessThanOrEqual(3 * ofOne)
  const document = () => ask('/api/agents/openapi.json')
  await document()
  const stringify = vi.spyOn(JSON, 'stringify')
  onTestFinished(() => stringify.mockRestore())
  expect(await (await document()).json()).toMatchObject({
    openapi: expect.any(String) as string,
    servers: [{ url: 'http://localhost/api/agents' }],
  })
  const written = stringify.mock.results.reduce((sum, { value }) => sum + String(value).length, 0)
  expect(written).toBeLessThan(200)
})
