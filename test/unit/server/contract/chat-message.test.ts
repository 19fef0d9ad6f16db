import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ChatMessage, fromChatMessages, toChatMessage } from '../../../../server/contract/chat-message.ts'
import type { Json } from '../../../../server/contract/json.ts'
import { Message } from '../../../../server/contract/message.ts'
import { textOf } from '../../../../server/contract/text-of.ts'

const word = fc.string({ minLength: 1, maxLength: 64 })
const base64 = fc.base64String()
const bytes = (...types: string[]) =>
  fc.oneof(
    fc.webUrl(),
    fc.tuple(fc.constantFrom(...types), base64).map(([type, data]) => `data:${type};base64,${data}`),
  )

const text = fc.record({ type: fc.constant('text'), text: fc.string() })
const reasoning = fc.record({ type: fc.constant('reasoning'), text: fc.string() })
const refusal = fc.record({ type: fc.constant('refusal'), text: fc.string() })
const image = fc.record(
  {
    type: fc.constant('image'),
    url: bytes('image/png', 'image/svg+xml'),
    detail: fc.constantFrom('auto', 'low', 'high'),
  },
  { requiredKeys: ['type', 'url'] },
)
const audio = fc.record({ type: fc.constant('audio'), url: bytes('audio/wav', 'audio/mpeg', 'audio/ogg') })
const file = fc.oneof(
  fc.record(
    { type: fc.constant('file'), url: bytes('application/pdf', 'text/plain'), filename: word },
    { requiredKeys: ['type', 'url'] },
  ),
  fc.record(
    { type: fc.constant('file'), fileId: word, filename: word },
    { requiredKeys: ['type', 'fileId'] },
  ),
)
const content = (...parts: fc.Arbitrary<unknown>[]) =>
  fc.oneof(fc.string(), fc.array(fc.oneof(...parts), { minLength: 1, maxLength: 4 }))

// Arguments that are a string were not valid JSON.
const args = fc.oneof(
  fc.jsonValue().filter((value) => typeof value !== 'string' && !Object.is(value, -0)),
  fc.constant('{"cut o'),
) as fc.Arbitrary<Json>
const toolCall = fc.record({ id: word, name: word, arguments: args })

const message = fc.oneof(
  fc.record(
    { role: fc.constant('system'), content: content(text), name: word },
    { requiredKeys: ['role', 'content'] },
  ),
  fc.record(
    { role: fc.constant('user'), content: content(text, image, audio, file), name: word },
    { requiredKeys: ['role', 'content'] },
  ),
  fc.record(
    {
      role: fc.constant('assistant'),
      content: fc.option(content(text, reasoning, refusal, image, audio, file)),
      name: word,
      toolCalls: fc.array(toolCall),
    },
    { requiredKeys: ['role', 'content'] },
  ),
  fc.record({ role: fc.constant('tool'), toolCallId: word, content: content(text, image, file) }),
) as fc.Arbitrary<Message>

test('what is written and read again is the same', () => {
  fc.assert(
    fc.property(fc.array(message), (messages) => {
      const parsed = messages.map((said) => Message.parse(said))
      expect(parsed).toEqual(messages)
      const sent = JSON.parse(JSON.stringify(parsed.map(toChatMessage))) as unknown[]
      const received = fromChatMessages(sent.map((written) => ChatMessage.parse(written)))
      // Unchanged by JSON.
      expect(received).toEqual(JSON.parse(JSON.stringify(messages)))
    }),
  )
})

describe('what OpenAI calls otherwise', () => {
  const from = (...messages: unknown[]) => fromChatMessages(messages.map((said) => ChatMessage.parse(said)))

  test('instructions of a developer are the system’s', () => {
    expect(from({ role: 'developer', content: 'Be brief.' })).toEqual([
      { role: 'system', content: 'Be brief.' },
    ])
  })

  test('functions are tools, and results find their calls in order', () => {
    const call = (value: number) => ({ name: 'add', arguments: `{"n":${value}}` })
    const result = (value: number) => ({ role: 'function', name: 'add', content: String(value) })
    const [first, second, one, two] = from(
      { role: 'assistant', content: null, function_call: call(1) },
      { role: 'assistant', content: null, function_call: call(2) },
      result(1),
      result(2),
    ) as Extract<Message, { role: 'assistant' | 'tool' }>[]
    const idOf = (said: Message | undefined) =>
      said?.role === 'assistant' ? said.toolCalls?.[0]?.id : undefined
    expect(one).toEqual({ role: 'tool', toolCallId: idOf(first), content: '1' })
    expect(two).toEqual({ role: 'tool', toolCallId: idOf(second), content: '2' })
    expect(idOf(first)).not.toBe(idOf(second))
  })

  test('a refusal beside the content is a part of it', () => {
    expect(from({ role: 'assistant', content: null, refusal: 'No.' })).toEqual([
      { role: 'assistant', content: [{ type: 'refusal', text: 'No.' }] },
    ])
  })

  test('recorded speech has its media type', () => {
    const part = { type: 'input_audio', input_audio: { data: 'UklG', format: 'mp3' } }
    expect(from({ role: 'user', content: [part] })).toEqual([
      { role: 'user', content: [{ type: 'audio', url: 'data:audio/mpeg;base64,UklG' }] },
    ])
  })
})

test('the text of a message is that of its text parts', () => {
  const said: Message = {
    role: 'assistant',
    content: [
      { type: 'text', text: 'one ' },
      { type: 'reasoning', text: 'hm' },
      { type: 'text', text: 'two' },
    ],
  }
  expect([textOf(said), textOf('as it is'), textOf({ content: null }), textOf(undefined)]).toEqual([
    'one two',
    'as it is',
    '',
    '',
  ])
})
