import { once } from 'node:events'
import { createServer } from 'node:http'
import type { ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished } from 'vitest'
import { defineAgent, toolLoop } from '../../../../server/index.ts'
import { createAnthropicModel } from '../../../../server/models/anthropic/index.ts'
import type { Model } from '../../../../server/index.ts'
import { createScriptedModel } from '../../../../server/models/scripted.ts'
import { start, stop, text } from '../../../support/anthropic-stream.ts'
import { test } from '../../../support/runtime.ts'

const config = { modelIdleTimeoutSeconds: 0.5 }
const stalls = [start, ...text(0, 'Hel').slice(0, 2)]
const answers = [start, ...text(0, 'Hello.'), ...stop('end_turn')]

/** A provider that answers each request with the next of these, and ends those that have an end. */
async function createProvider(...scripts: string[][]): Promise<{ model: Model; givenUp: () => boolean[] }> {
  const responses: ServerResponse[] = []
  const server = createServer((_request, response) => {
    const script = scripts[responses.length] ?? []
    responses.push(response)
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const part of script) response.write(part)
    if (script !== stalls) response.end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const model = createAnthropicModel({
    apiKey: 'sk-ant-test',
    baseURL: `http://127.0.0.1:${port}`,
    maxRetries: 0,
  })
  const wasCutOff = ({ destroyed, writableEnded }: ServerResponse) => destroyed && !writableEnded
  return { model, givenUp: () => responses.map(wasCutOff) }
}

const agentOf = (model?: Model) =>
  defineAgent({
    key: 'agent',
    maxAttempts: 2,
    run: async (ctx) => ({ output: (await toolLoop(ctx, model === undefined ? {} : { model })).text }),
  })

const ask = { messages: [{ role: 'user', content: 'Hi' }] }

test('a model that falls silent costs its run an attempt, not its time', async ({
  createServer: runtime,
}) => {
  const { model, givenUp } = await createProvider(stalls, answers)
  const { rest } = await runtime({ agents: [agentOf()], model, config })
  const id = await rest.create('agent', ask)
  const events = await rest.events(`runs/${id}/events?include_all=1`)
  expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', attempt: 2, output: 'Hello.' })
  // The first request was aborted, not only forgotten.
  expect(givenUp()).toEqual([true, false])
})

test('so does one that a loop was given, and its last silence is told', async ({ createServer: runtime }) => {
  const { model } = await createProvider(stalls, stalls)
  const { rest } = await runtime({ agents: [agentOf(model)], model: createScriptedModel([]), config })
  const id = await rest.create('agent', ask)
  expect((await rest.events(`runs/${id}/events`)).at(-1)).toMatchObject({
    type: 'run.failed',
    code: 'model_error',
    error: 'The model "claude-sonnet-5-5" has been silent for 0.5 s.',
  })
})
