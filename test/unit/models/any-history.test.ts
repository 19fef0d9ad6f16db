// Whatever an agent removes, joins or adds, providers only get what their documents allow.
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AgentMessage } from '../../../server/contract/message.ts'
import { createAISDKModel } from '../../../server/models/ai-sdk/index.ts'
import { createAnthropicModel } from '../../../server/models/anthropic/anthropic.ts'
import { createOpenAIModel } from '../../../server/models/openai/openai.ts'
import { toValidMessages } from '../../../server/models/provider/provider-messages.ts'
import type { Model } from '../../../server/ports/model.ts'
import { collect, fakeProvider, refused } from '../../support/model-provider.ts'

const texts = fc.constantFrom('', ' ', '\n', 'Hello', 'It is so. ', '日本')
const ids = fc.constantFrom('a', 'b', 'call:1', 'functions.now:0', 'ü', 'x'.repeat(90), 'toolu_1')
const parts = fc.array(
  fc.oneof(
    texts.map((text) => ({ type: 'text' as const, text })),
    fc.constant({ type: 'image' as const, url: 'https://example.com/a.png' }),
  ),
  { minLength: 1, maxLength: 3 },
)
const said = fc.array(
  fc.oneof(
    texts.map((text) => ({ type: 'text' as const, text })),
    fc.constant({ type: 'reasoning' as const, text: 'hm' }),
  ),
  { minLength: 1, maxLength: 3 },
)
const call = fc.record({
  id: ids,
  name: fc.constantFrom('now', 'add'),
  arguments: fc.constantFrom({}, { a: 1 }, 'no JSON', null, [1]),
})
const stored = fc.record({
  provider: fc.constantFrom('openai', 'anthropic', 'other'),
  toolCallIds: fc.constant<string[]>([]),
  data: fc.constant(null),
})
const message: fc.Arbitrary<AgentMessage> = fc.oneof(
  fc.record({ role: fc.constant('system' as const), content: texts }),
  fc.record(
    { role: fc.constant('user' as const), content: fc.oneof(texts, parts), name: fc.constant('ada') },
    { requiredKeys: ['role', 'content'] },
  ),
  fc.record(
    {
      role: fc.constant('assistant' as const),
      content: fc.oneof(texts, said, fc.constant(null)),
      toolCalls: fc.array(call, { maxLength: 3 }),
      providerData: stored,
    },
    { requiredKeys: ['role', 'content'] },
  ),
  fc.record({ role: fc.constant('tool' as const), toolCallId: ids, content: texts }),
)
const histories = fc.array(message, { maxLength: 12 })

interface Sent {
  role: string
  content: string | { type: string; text?: string }[] | null
  tool_calls?: { id: string; function: { name: string; arguments: string } }[]
  tool_call_id?: string
  name?: string
}
const VALID_ID = /^[a-zA-Z0-9_-]{1,40}$/

/** https://platform.openai.com/docs/api-reference/chat/create */
function checkChat(messages: readonly Sent[]): void {
  expect(messages.length).toBeGreaterThan(0)
  let open: string[] = []
  for (const [index, { role, content, tool_calls, tool_call_id, name }] of messages.entries()) {
    if (role === 'tool') expect(tool_call_id).toBe(open.shift())
    else expect(open).toEqual([])
    if (Array.isArray(content)) {
      expect(content.length).toBeGreaterThan(0)
      for (const part of content) if (part.type === 'text') expect(part.text?.trim()).not.toBe('')
    } else if (role === 'user' || role === 'system') expect(content?.trim()).not.toBe('')
    if (role !== 'assistant') continue
    if (!tool_calls) expect(content).not.toBeNull()
    for (const { id, function: called } of tool_calls ?? []) {
      expect(id).toMatch(VALID_ID)
      const parsed = JSON.parse(called.arguments) as unknown
      expect(typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)).toBe(true)
    }
    open = (tool_calls ?? []).map(({ id }) => id)
    // Many servers' templates also want roles to alternate.
    const before = messages[index - 1]
    if (before?.role === 'assistant' && name === undefined)
      expect(before.tool_calls ?? before.name).toBeDefined()
  }
  expect(open).toEqual([])
  const calls = messages.flatMap(({ tool_calls }) => tool_calls ?? []).map(({ id }) => id)
  expect(new Set(calls).size).toBe(calls.length)
}

interface Turn {
  role: string
  content: {
    type: string
    id?: string
    tool_use_id?: string
    text?: string
    input?: unknown
    content?: unknown
  }[]
}

/** https://docs.anthropic.com/en/api/messages and its guide to tools */
function checkAnthropic({ system, messages }: { system?: string; messages: Turn[] }): void {
  if (system !== undefined) expect(system.trim()).not.toBe('')
  expect(messages[0]?.role).toBe('user')
  const used = new Set<string>()
  for (const [index, { role, content }] of messages.entries()) {
    expect(role).toBe(index % 2 === 0 ? 'user' : 'assistant')
    expect(content.length).toBeGreaterThan(0)
    for (const block of content) if (block.type === 'text') expect(block.text?.trim()).not.toBe('')
    const called = content.flatMap((block) => (block.type === 'tool_use' ? [block.id ?? ''] : []))
    for (const id of called) {
      expect(id).toMatch(/^[a-zA-Z0-9_-]+$/)
      expect(used.has(id)).toBe(false)
      used.add(id)
    }
    if (role === 'assistant') {
      const next = messages[index + 1]?.content.slice(0, called.length) ?? []
      expect(next.map((block) => block.tool_use_id)).toEqual(called)
    } else {
      const results = content.filter((block) => block.type === 'tool_result').length
      expect(content.slice(0, results).every((block) => block.type === 'tool_result')).toBe(true)
    }
  }
  const last = messages.at(-1)
  const end = last?.content.at(-1)?.text
  if (last?.role === 'assistant' && end !== undefined) expect(end).toBe(end.trimEnd())
}

const provider = fakeProvider('https://*')

async function bodyOf<T>(model: Model, messages: AgentMessage[]): Promise<T> {
  provider.answerWith(refused(418, {}))
  await collect(model, { messages }).catch(() => {})
  return provider.bodies.at(-1) as T
}

describe('any history', () => {
  test('is one that chat completions take', async () => {
    const model = createOpenAIModel({ apiKey: 'sk-test', maxRetries: 0 })
    const property = fc.assert(
      fc.asyncProperty(histories, async (messages) => {
        checkChat((await bodyOf<{ messages: Sent[] }>(model, messages)).messages)
      }),
      { numRuns: 60 },
    )
    await expect(property).resolves.toBeUndefined()
  })

  test('is one that chat completions take, through the AI SDK', async () => {
    const acme = createOpenAICompatible({
      name: 'acme',
      apiKey: 'sk-test',
      baseURL: 'https://acme.example/v1',
    })
    const sdk = Object.defineProperty(acme('one'), 'supportedUrls', { value: { 'image/*': [/./] } })
    const model = createAISDKModel(sdk)
    const property = fc.assert(
      fc.asyncProperty(histories, async (messages) => {
        checkChat((await bodyOf<{ messages: Sent[] }>(model, messages)).messages)
      }),
      { numRuns: 60 },
    )
    await expect(property).resolves.toBeUndefined()
  })

  test('is one that Anthropic takes', async () => {
    const model = createAnthropicModel({ apiKey: 'sk-ant-test', maxRetries: 0 })
    const property = fc.assert(
      fc.asyncProperty(histories, async (messages) => {
        checkAnthropic(await bodyOf<{ system?: string; messages: Turn[] }>(model, messages))
      }),
      { numRuns: 60 },
    )
    await expect(property).resolves.toBeUndefined()
  })

  test('is sent in the same bytes each time, which providers’ caches go by', () => {
    fc.assert(
      fc.property(histories, (messages) => {
        expect(toValidMessages(messages, 'openai').messages).toEqual(
          toValidMessages(messages, 'openai').messages,
        )
      }),
    )
  })
})

test('results that come late, twice or not at all are put where they belong', () => {
  const calls = (...names: string[]) => names.map((id) => ({ id, name: 'now', arguments: {} }))
  const result = (toolCallId: string, content: string): AgentMessage => ({
    role: 'tool',
    toolCallId,
    content,
  })
  const { messages } = toValidMessages(
    [
      result('a', 'of a call that was cut off'),
      { role: 'assistant', content: null, toolCalls: calls('a', 'b', 'c') },
      result('b', '2'),
      { role: 'user', content: 'Well?' },
      result('a', '1'),
      result('a', 'again'),
      { role: 'assistant', content: null, toolCalls: calls('a') },
      result('a', '3'),
    ],
    'openai',
  )
  const error = '{"error":"The call was not answered."}'
  expect(messages.map(({ content }) => content)).toEqual([null, '1', '2', error, 'Well?', null, '3'])
})
