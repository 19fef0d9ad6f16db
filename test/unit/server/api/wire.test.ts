import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { z } from 'zod'
import { toRestEvent } from '../../../../server/api/rest/wire/event.ts'
import { snake } from '../../../../server/api/rest/wire/names.ts'
import { toRestPage } from '../../../../server/api/rest/wire/page.ts'
import { RestRun, toRestRun } from '../../../../server/api/rest/wire/run.ts'
import { RestCreateRun, fromRestCreateRun } from '../../../../server/api/rest/wire/create-run.ts'
import { HistoryQuery, ListConversationsQuery, ListRunsQuery } from '../../../../server/api/rest/queries.ts'
import { GetConversationInput, ListConversationsInput } from '../../../../server/contract/conversation.ts'
import { RUNTIME_EVENTS } from '../../../../server/contract/runtime-events.ts'
import type { Json } from '../../../../server/contract/json.ts'
import type { Message } from '../../../../server/contract/message.ts'
import { CreateRunInput } from '../../../../server/contract/create-run.ts'
import { ListRunsInput, SpokenRun } from '../../../../server/contract/run.ts'

const json = fc.jsonValue() as fc.Arbitrary<Json>
const name = fc.string({ minLength: 1 })

const toolCall = fc.record({
  id: name,
  type: fc.constant('function'),
  function: fc.record({
    name,
    arguments: fc.oneof(fc.json(), fc.string(), fc.constantFrom('{"cut o', '-0', '{"__proto__":1}')),
  }),
})

const restMessage = fc.oneof(
  fc.record({ role: fc.constantFrom('system', 'user'), content: fc.string() }),
  fc.record({ role: fc.constant('tool'), tool_call_id: name, content: fc.string() }),
  fc.record({ role: fc.constant('assistant'), content: fc.option(fc.string()) }),
  fc.record({
    role: fc.constant('assistant'),
    content: fc.option(fc.string()),
    tool_calls: fc.array(toolCall),
  }),
)

const input = (body: object) =>
  CreateRunInput.parse(fromRestCreateRun(RestCreateRun.parse({ agent_key: 'a', messages: [], ...body })))

function spoken(messages: Message[], more: Partial<SpokenRun> = {}): SpokenRun {
  return SpokenRun.parse({
    id: '019aa000-0000-7000-8000-000000000001',
    owner: { id: 'ada', tenantId: 'acme', kind: 'user' },
    agentKey: 'a',
    status: 'queued',
    conversationId: null,
    params: null,
    metadata: {},
    output: null,
    error: null,
    idempotencyKey: null,
    attempt: 0,
    maxAttempts: 3,
    budget: null,
    priority: 0,
    runAt: null,
    expiresAt: null,
    lastSeq: 0,
    cancelRequestedAt: null,
    parentRunId: null,
    rootRunId: null,
    depth: 0,
    createdAt: '2026-01-01T00:00:00.000Z',
    startedAt: null,
    finishedAt: null,
    messages,
    inputCount: messages.length,
    usage: null,
    ...more,
  })
}

/** Arguments are JSON in a text. Their value matters, or the text if it is not JSON. */
function meaning(message: object): unknown {
  return JSON.parse(JSON.stringify(message), (key, value: unknown) =>
    key === 'arguments' ? parsed(value) : value,
  )
}

function parsed(text: unknown): unknown {
  // JSON has no minus zero, and a prototype is no data.
  const reviver = (key: string, value: unknown) => (key === '__proto__' ? undefined : value === 0 ? 0 : value)
  try {
    return JSON.parse(String(text), reviver) as unknown
  } catch {
    return { text }
  }
}

describe('messages', () => {
  test('come back as they were sent', () => {
    fc.assert(
      fc.property(fc.array(restMessage), (messages) => {
        const answered = toRestRun(spoken(input({ messages }).messages)).input.messages
        expect(answered.map(meaning)).toEqual(messages.map(meaning))
      }),
    )
  })

  test('arguments a model broke off are kept as the text they are', () => {
    const call = { id: '1', type: 'function', function: { name: 'f', arguments: '{"city": "Par' } }
    const messages = [{ role: 'assistant', content: null, tool_calls: [call] }]
    expect(toRestRun(spoken(input({ messages }).messages)).input.messages).toEqual(messages)
  })

  test('may leave out what has an obvious value', () => {
    const call = { id: '1', function: { name: 'f', arguments: '{}' } }
    expect(input({ messages: [{ role: 'assistant', tool_calls: [call] }] }).messages).toEqual([
      { role: 'assistant', content: null, toolCalls: [{ id: '1', name: 'f', arguments: {} }] },
    ])
  })
})

describe('a run', () => {
  test("its input: the contract's keys are renamed, what is the caller's own is not touched", () => {
    const own = { someKey: { innerKey: 1, inner_key: 2 } }
    const body = {
      params: own,
      metadata: own,
      conversation_id: '019aa000-0000-7000-8000-000000000002',
      idempotency_key: 'once',
      max_attempts: 2,
      timeout_ms: 1_000,
      budget: { tokens: 1_000, tool_calls: 5 },
      priority: 5,
      run_at: '2030-01-31T08:00:00Z',
      expires_at: '2030-01-31T09:00:00+01:00',
      conversation_policy: 'reject',
      model: 'large',
      thinking: true,
      memories: [{ id: '1', content: 'Likes tea.' }],
    }
    expect(input(body)).toEqual({
      agentKey: 'a',
      messages: [],
      params: own,
      metadata: own,
      conversationId: body.conversation_id,
      idempotencyKey: 'once',
      maxAttempts: 2,
      timeoutMs: 1_000,
      budget: { tokens: 1_000, toolCalls: 5 },
      priority: 5,
      runAt: '2030-01-31T08:00:00.000Z',
      expiresAt: '2030-01-31T08:00:00.000Z',
      conversationPolicy: 'reject',
      preferences: { model: 'large', thinking: true, memories: [{ id: '1', content: 'Likes tea.' }] },
    })
    expect(input({ conversation_id: null, idempotency_key: null, run_at: null, expires_at: null })).toEqual(
      input({}),
    )
  })

  test('its answer: every key in snake_case, what is its own not touched', () => {
    const own = { someKey: 1 }
    const run = spoken([{ role: 'user', content: 'a' }], {
      ...{ status: 'succeeded', output: own, metadata: own, params: own },
      usage: { inputTokens: 2, outputTokens: 3, cachedInputTokens: 1, cost: 0.25 },
    })
    const rest = toRestRun(run)
    expect(rest).toMatchObject({
      metadata: own,
      input: { messages: [{ role: 'user', content: 'a' }], params: own },
      output: {
        final_output: own,
        final_messages: [],
        usage: { input_tokens: 2, output_tokens: 3, total_tokens: 5, cached_input_tokens: 1, cost: 0.25 },
        artifacts: {},
      },
    })
    expect(RestRun.parse(rest)).toEqual(rest)
    const elsewhere = ['params', 'messages', 'input_count', 'usage']
    const named = Object.keys(run).map(snake)
    expect([...Object.keys(rest), ...elsewhere].toSorted()).toEqual([...named, 'input'].toSorted())
  })

  test('its error: what a client can tell the cases apart by', () => {
    const error = { code: 'agent_error', message: 'It broke.' }
    expect(toRestRun(spoken([], { status: 'failed', error })).error).toEqual({
      ...{ type: 'agent_error', message: 'It broke.', retriable: true, details: {} },
    })
    expect(toRestRun(spoken([])).error).toEqual({})
    expect(toRestRun(spoken([])).output).toEqual({})
  })
})

describe('an event', () => {
  const envelope = {
    runId: 'r',
    seq: 7,
    attempt: 2,
    visibility: 'user',
    ts: '2026-01-01T00:00:00.000Z',
  } as const
  const identity = {
    ...{ run_id: 'r', seq: 7, attempt: 2, visibility_level: 'user', ui_visible: true },
    ts: envelope.ts,
  }

  test("its payload's fields stand beside what identifies it, and can never displace that", () => {
    fc.assert(
      fc.property(json, (payload) => {
        const rest = toRestEvent({ ...envelope, type: 'mine', payload })
        expect(rest).toMatchObject({ ...identity, type: 'mine' })
        expect(rest.payload).toEqual(payload)
      }),
    )
    const rude = {
      seq: 1,
      type: 'x',
      run_id: 'y',
      payload: 'z',
      visibility_level: 'internal',
      content: 'kept',
    }
    expect(toRestEvent({ ...envelope, type: 'mine', payload: rude })).toEqual({
      ...identity,
      type: 'mine',
      payload: rude,
      content: 'kept',
    })
  })

  test("keys of the runtime's own payloads are in snake_case, an agent's are the agent's", () => {
    const payload = { messageId: 'm', content: 'text' }
    expect(toRestEvent({ ...envelope, type: 'assistant.delta', payload })).toMatchObject({
      message_id: 'm',
      payload: { message_id: 'm', content: 'text' },
    })
    expect(toRestEvent({ ...envelope, type: 'mine', payload })).toMatchObject({ messageId: 'm', payload })
    for (const type of Object.keys(RUNTIME_EVENTS)) {
      const rest = toRestEvent({ ...envelope, type, payload: { someKey: { innerKey: 1 } } })
      expect(rest.payload).toMatchObject({ some_key: { innerKey: 1 } })
      expect(rest.payload).not.toHaveProperty('someKey')
    }
  })
})

test("a page's links keep what else the request asked for", () => {
  const url = new URL('http://host/api/agents/runs?status=queued&cursor=old&limit=2')
  const page = { items: [1], nextCursor: 'before.x', previousCursor: null, count: 5 }
  const { next, previous, ...rest } = toRestPage(page, { url, toRest: (item) => ({ item }) })
  expect(rest).toEqual({ results: [{ item: 1 }], count: 5 })
  expect(previous).toBeNull()
  expect(Object.fromEntries(new URL(next ?? '').searchParams)).toEqual({
    status: 'queued',
    cursor: 'before.x',
    limit: '2',
  })
})

test('all that lists are asked for over tRPC they are asked for over REST', () => {
  const lists: [z.ZodObject, z.ZodObject][] = [
    [ListRunsInput, ListRunsQuery],
    [ListConversationsInput, ListConversationsQuery],
    [GetConversationInput.omit({ conversationId: true }), HistoryQuery],
  ]
  for (const [input, query] of lists) {
    expect(Object.keys(query.shape).toSorted()).toEqual(Object.keys(input.shape).map(snake).toSorted())
  }
})
