// The handler answers `runs.events` itself. Its output is compared with tRPC's for the same procedure, byte
// for byte, so that a change in tRPC is noticed.
import type { AnyRouter } from '@trpc/server'
import { fetchRequestHandler } from '@trpc/server/adapters/fetch'
import { describe, expect } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../../../../server/index.ts'
import type { Principal } from '../../../../server/index.ts'
import { createHeldAgent } from '../../../support/held-agent.ts'
import { test } from '../../../support/runtime.ts'

const VISITOR: Principal = { id: 'visitor', tenantId: '', kind: 'anonymous' }

/** The headers that tRPC leaves to the server. */
const OF_EVERY_ANSWER = {
  'cache-control': 'no-store, no-transform',
  'x-content-type-options': 'nosniff',
}

const speaker = defineAgent({
  key: 'speaker',
  events: { word: { schema: z.json() }, thought: { schema: z.null(), visibility: 'debug' } },
  async run(ctx) {
    for (const word of ['plain', 'two\nlines\r\n', 'ünïcödé 🙂 \u2028', { nested: [1, null] }]) {
      await ctx.emit('word', word)
    }
    await ctx.emit('thought', null)
  },
})

const urlOf = (input: unknown, more = '') =>
  `http://runtime.test/trpc/runs.events?input=${encodeURIComponent(typeof input === 'string' ? input : JSON.stringify(input))}${more}`

interface Faces {
  handler(request: Request): Promise<Response>
  router: AnyRouter
}

function ask(runtime: Faces, url: string, init: RequestInit = {}) {
  const principal = VISITOR
  return {
    ours: runtime.handler(new Request(url, init)),
    theirs: fetchRequestHandler({
      endpoint: '/trpc',
      req: new Request(url, init),
      router: runtime.router,
      createContext: () => ({ principal }),
    }),
  }
}

/** The whole text, or the text up to the pattern if the stream does not end. */
async function read(response: Response, pattern?: RegExp): Promise<string> {
  let text = ''
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk
    if (pattern?.test(text)) break
  }
  return text
}

describe('the subscription', () => {
  test('is written as tRPC writes it: events, resumed or not, refusals, headers', async ({
    createServer,
  }) => {
    const server = await createServer({ agents: [speaker], authenticate: () => VISITOR })
    const runId = await server.rest.create('speaker')
    await server.rest.events(`runs/${runId}/events`)
    const nobody = '019aa000-0000-7000-8000-000000000000'
    const requests: [string, RequestInit?][] = [
      [urlOf({ runId })],
      [urlOf({ runId, lastEventId: 3 })],
      [urlOf({ runId, lastEventId: '3' })],
      [urlOf({ runId, lastEventId: 1 }, '&lastEventId=4')],
      [urlOf({ runId, lastEventId: 1 }, '&Last-Event-Id=4')],
      [urlOf({ runId }), { headers: { 'last-event-id': '2' } }],
      [urlOf({ runId, lastEventId: 7 })],
      [urlOf({ runId, lastEventId: 99 })],
      [urlOf({ runId, includeAll: true })],
      [urlOf({ runId, includeDebug: 'yes' })],
      [urlOf({ runId: nobody })],
      [urlOf({ runId: 'none' })],
      [urlOf({})],
      [urlOf('"text"')],
      [urlOf('null'), { headers: { 'last-event-id': '2' } }],
      [urlOf('{"runId')],
      ['http://runtime.test/trpc/runs.events'],
    ]
    for (const [url, init] of requests) {
      const { ours, theirs } = ask(server.runtime, url, init)
      const [own, its] = await Promise.all([ours, theirs])
      expect({ status: own.status, headers: Object.fromEntries(own.headers) }).toEqual({
        status: its.status,
        headers: { ...Object.fromEntries(its.headers), ...OF_EVERY_ANSWER },
      })
      const expected = await read(its)
      expect(expected).toContain('event: connected')
      expect({ url, body: await read(own) }).toEqual({ url, body: expected })
    }
  })

  test('is kept alive as tRPC does it', async ({ createServer }) => {
    const { agent, release } = createHeldAgent()
    const config = { streamKeepAliveSeconds: 0.05 }
    const server = await createServer({ agents: [agent], authenticate: () => VISITOR, config })
    const runId = await server.rest.create('held')
    // The first event is over before both are opened: it would come between two signs of life.
    const beginning = await server.rest.stream(`runs/${runId}/events/stream`)
    await beginning.until('run.started')
    await beginning.close()
    const { ours, theirs } = ask(server.runtime, urlOf({ runId, lastEventId: '1' }))
    const twice = /ping[^]*ping[^]*\n\n\n$/
    const [own, its] = await Promise.all([read(await ours, twice), read(await theirs, twice)])
    expect(own).toBe(its)
    release()
    await server.rest.events(`runs/${runId}/events`)
  })

  test('without the right to it is refused in the same words', async ({ createServer }) => {
    const server = await createServer({ agents: [speaker], authenticate: () => null })
    const answer = await server.runtime.handler(new Request(urlOf({ runId: 'any' })))
    expect(answer.status).toBe(200)
    expect(await answer.text()).toMatch(/^event: connected\n[^]*event: serialized-error\n.*"unauthorized"/)
  })
})
