// The runtime behind frameworks for Node, which change a request before it arrives.
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json, text } from 'node:stream/consumers'
import { expect } from 'vitest'
import { defineAgent, textOf } from '../../../../server/index.ts'
import type { AgentRuntime } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'

const agent = defineAgent({
  key: 'agent',
  run: async (ctx) => ({ output: textOf(ctx.messages.at(-1)) }),
})
const BODY = { agent_key: 'agent', messages: [{ role: 'user', content: 'héllo' }] }

type Before = (request: IncomingMessage & { body?: unknown; originalUrl?: string }) => unknown

/** A server whose framework calls `before` for each request. */
async function host(runtime: AgentRuntime, before: Before) {
  const server = createServer(async (request, response: ServerResponse) => {
    await before(request)
    runtime.nodeHandler(request, response, () => response.writeHead(418).end())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => void server.close(() => resolve())),
  }
}

const post = (url: string, body: unknown = BODY) =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })

test.for<[string, Before]>([
  ['nothing', () => {}],
  ['a parser of JSON', async (request) => (request.body = await json(request))],
  ['one that leaves the text', async (request) => (request.body = await text(request))],
  ['one that leaves bytes', async (request) => (request.body = Buffer.from(await text(request)))],
])('creates a run after %s', async ([, before], { createServer: createRuntime }) => {
  const { runtime, rest } = await createRuntime({ agents: [agent] })
  await using server = await host(runtime, before)
  const response = await post(`${server.url}/api/agents/runs/`)
  expect(response.status).toBe(201)
  const { id } = (await response.json()) as { id: string }
  const read = async () => (await rest.get(`runs/${id}`)).body
  await expect.poll(read).toMatchObject({ output: { final_output: 'héllo' } })
})

test('a body that a parser took and left nothing of is refused', async ({ createServer: createRuntime }) => {
  const { runtime } = await createRuntime({ agents: [agent], worker: false })
  await using server = await host(runtime, (request) => text(request))
  const response = await post(`${server.url}/api/agents/runs/`)
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ code: 'bad_request' })
})

test('a path that a router cut is taken whole, and one of somebody else is left alone', async ({
  createServer: createRuntime,
}) => {
  const { runtime } = await createRuntime({ agents: [agent], worker: false })
  await using server = await host(runtime, (request) => {
    if (request.url?.startsWith('/api/agents') !== true) return
    request.originalUrl = request.url
    request.url = request.url.replace('/api/agents', '')
  })
  expect((await post(`${server.url}/api/agents/runs/`)).status).toBe(201)
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
  expect((await fetch(`${server.url}/api/agentsand`)).status).toBe(418)
  expect((await fetch(`${server.url}/`)).status).toBe(418)
})
