// Servers that speak OpenAI's format, and need back with a tool's result what that format has no place for.
// Each stand-in refuses what the server refuses, in its words.
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { describe, expect } from 'vitest'
import { z } from 'zod'
import { defineAgent, defineTool, toolLoop } from '../../../../server/index.ts'
import { createAISDKModel } from '../../../../server/models/ai-sdk/index.ts'
import { createOpenAIModel } from '../../../../server/models/openai/index.ts'
import { fakeProvider, refused, streamed } from '../../../support/model-provider.ts'
import { test } from '../../../support/runtime.ts'

const provider = fakeProvider('https://models.example/v1/chat/completions')
const baseURL = 'https://models.example/v1'
const model = () => createOpenAIModel({ apiKey: 'sk-test', baseURL, maxRetries: 0 })
const sdkModel = () =>
  createAISDKModel(createOpenAICompatible({ name: 'example', apiKey: 'sk-test', baseURL })('one'))

const weather = defineTool({
  name: 'get_weather',
  description: 'Weather in a city',
  input: z.object({ city: z.string(), unit: z.string().optional() }),
  needsApproval: true,
  execute: ({ city }) => `sunny in ${city}`,
})
const agent = defineAgent({
  key: 'agent',
  async run(ctx) {
    const reply = await toolLoop(ctx, { tools: [weather] })
    return { output: reply.text, messages: reply.messages }
  },
})

interface Call {
  id: string
  function: { name: string; arguments: string }
  extra_content?: { google?: { thought_signature?: string } }
}
interface Sent {
  role: string
  content: unknown
  reasoning_content?: string
  reasoning_details?: unknown
  tool_calls?: Call[]
  tool_call_id?: string
}
const messagesOf = (body: Record<string, unknown>) => body['messages'] as Sent[]
const invalid = (message: string) => refused(400, { error: { message, type: 'invalid_request_error' } })()

const delta = (fields: object, finish_reason: string | null = null) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: fields, finish_reason }] })}\n\n`
const done = 'data: [DONE]\n\n'
const args = '{"unit":"C","city":"Paris"}'
const call = (id: string, rest: object = {}) =>
  delta({
    tool_calls: [
      { index: 0, id, type: 'function', function: { name: 'get_weather', arguments: args }, ...rest },
    ],
  })
const answer = streamed([delta({ content: 'Sunny.' }), delta({}, 'stop'), done])

interface Server {
  /** Its first answer: a call, with its data. */
  first: string[]
  /** The requests that it refuses. */
  refuses(messages: readonly Sent[]): string | undefined
}

const thoughtful = (refuses: Server['refuses']): Server => ({
  first: [
    delta({ role: 'assistant', content: null, reasoning_content: 'Paris, ' }),
    delta({ reasoning_content: 'then.' }),
    call('call_0'),
    delta({}, 'tool_calls'),
    done,
  ],
  refuses,
})

const SERVERS: Record<string, Server> = {
  DeepSeek: thoughtful((messages) =>
    messages.some((each) => each.tool_calls && each.reasoning_content !== 'Paris, then.')
      ? 'The `reasoning_content` in the thinking mode must be passed back to the API.'
      : undefined,
  ),
  Kimi: thoughtful((messages) => {
    const index = messages.findIndex((each) => each.tool_calls && !each.reasoning_content)
    return index === -1
      ? undefined
      : `thinking is enabled but reasoning_content is missing in assistant tool call message at index ${index}`
  }),
  Gemini: {
    first: [
      call('', { extra_content: { google: { thought_signature: 'signed==' } } }),
      delta({}, 'tool_calls'),
      done,
    ],
    refuses: (messages) =>
      messages.some((each) => each.tool_calls?.[0] && signatureOf(each.tool_calls[0]) !== 'signed==')
        ? 'Function call is missing a thought_signature in functionCall parts.'
        : undefined,
  },
  OpenRouter: {
    first: [
      delta({ reasoning_details: [{ type: 'reasoning.text', text: 'Pa', index: 0 }] }),
      delta({ reasoning_details: [{ type: 'reasoning.text', text: 'ris', index: 0, signature: 's' }] }),
      call('call_a'),
      delta({}, 'tool_calls'),
      done,
    ],
    refuses: (messages) => {
      const whole = [{ type: 'reasoning.text', text: 'Paris', index: 0, signature: 's' }]
      return messages.some(
        (each) => each.tool_calls && JSON.stringify(each.reasoning_details) !== JSON.stringify(whole),
      )
        ? 'Provider returned error: thinking blocks cannot be modified'
        : undefined
    },
  },
}
const signatureOf = ({ extra_content }: Call) => extra_content?.google?.thought_signature

const strictly = (server: Server) => (body: Record<string, unknown>) => {
  const refusal = server.refuses(messagesOf(body))
  return refusal === undefined ? answer() : invalid(refusal)
}

describe('what a server wants back with a tool’s result', () => {
  test.for([
    ...Object.keys(SERVERS).map((name) => [name, 'OpenAI', model] as const),
    // OpenRouter has its own package for it.
    ...['DeepSeek', 'Kimi', 'Gemini'].map((name) => [name, 'the AI SDK', sdkModel] as const),
  ])(
    '%s gets unchanged, from another worker after a wait, through a client of %s',
    async ([name, , model], { createServer }) => {
      const server = SERVERS[name]!
      const options = { agents: [agent], worker: false }
      const first = await createServer({ ...options, model: model() })
      const worker = await first.runtime.startWorker()
      provider.answerWith(streamed(server.first))
      const id = await first.rest.create('agent', {
        messages: [{ role: 'user', content: 'Weather in Paris?' }],
      })
      await (await first.rest.stream(`runs/${id}/events`)).until('run.waiting')
      await worker.stop()

      const second = await createServer({ ...options, model: model() })
      await second.runtime.startWorker()
      provider.answerWith(strictly(server))
      const [wait] = (await second.rest.get(`runs/${id}`)).body['waits'] as {
        name: string
        details: { hash: string }
      }[]
      const value = { approved: true, hash: wait?.details.hash }
      await second.rest.post(`runs/${id}/respond`, { wait: wait?.name, value })
      expect((await second.rest.events(`runs/${id}/events?include_all=1`)).at(-1)).toMatchObject({
        type: 'run.succeeded',
        output: 'Sunny.',
      })
      // Has the bytes that the server wrote, under its id, or one that both halves share.
      const sent = messagesOf(provider.bodies[1]!)
      expect(sent[1]?.tool_calls?.[0]?.function.arguments).toBe(args)
      expect(sent[2]?.tool_call_id).toBe(sent[1]?.tool_calls?.[0]?.id)
      expect(provider.bodies).toHaveLength(2)
    },
  )

  test('is told in a later run of the conversation too', async ({ createServer }) => {
    const server = SERVERS['DeepSeek']!
    const free = defineAgent({
      key: 'agent',
      async run(ctx) {
        const reply = await toolLoop(ctx, { tools: [{ ...weather, needsApproval: false }] })
        return { output: reply.text, messages: reply.messages }
      },
    })
    const { rest, trpc } = await createServer({ agents: [free], model: model() })
    const { id: conversation_id } = await trpc.client.conversations.create.mutate({})
    const ask = async () => {
      const id = await rest.create('agent', {
        messages: [{ role: 'user', content: 'And?' }],
        conversation_id,
      })
      return (await rest.events(`runs/${id}/events`)).at(-1)
    }
    provider.answerWith(streamed(server.first), strictly(server), strictly(server))
    await ask()
    expect(await ask()).toMatchObject({ type: 'run.succeeded' })
    expect(messagesOf(provider.bodies[2]!).some((each) => each.reasoning_content === 'Paris, then.')).toBe(
      true,
    )
  })
})

describe('a conversation that was held elsewhere', () => {
  const history = [
    { role: 'user' as const, content: 'Weather?' },
    {
      role: 'assistant' as const,
      content: null,
      toolCalls: [{ id: 'a', name: 'get_weather', arguments: { city: 'Rome' } }],
    },
    { role: 'tool' as const, toolCallId: 'a', content: 'sunny' },
    { role: 'user' as const, content: 'And now?' },
  ]

  test.for(['Kimi', 'Gemini'])(
    'goes on at %s, which is told that nothing was thought',
    async (name, { createServer }) => {
      const lenient: Server = {
        ...SERVERS[name]!,
        refuses: (messages) =>
          messages.some(
            (each) => each.tool_calls?.[0] && !each.reasoning_content && !signatureOf(each.tool_calls[0]),
          )
            ? SERVERS[name]!.refuses(messages)
            : undefined,
      }
      const { trpc } = await createServer({ agents: [agent], model: model() })
      provider.answerWith(strictly(lenient), strictly(lenient), strictly(lenient))
      const ask = async () => {
        const run = await trpc.client.runs.create.mutate({ agentKey: 'agent', messages: history })
        return (await trpc.events({ runId: run.id })).at(-1)
      }
      expect(await ask()).toMatchObject({ type: 'run.succeeded' })
      // The second time, it is known.
      expect(await ask()).toMatchObject({ type: 'run.succeeded' })
      expect(provider.bodies).toHaveLength(3)
    },
  )
})
