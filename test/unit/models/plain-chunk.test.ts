import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ChatChunk } from '../../../server/models/openai/chat-wire.ts'
import { plainChunk } from '../../../server/models/openai/plain-chunk.ts'

const chunk = (delta: object, more: object = {}, choice: object = {}) => ({
  id: 'c',
  object: 'chat.completion.chunk',
  choices: [{ index: 0, delta, finish_reason: null, ...choice }],
  ...more,
})

test.each([
  chunk({ content: 'Hello' }),
  chunk({ content: '', refusal: null }, { usage: null, obfuscation: 'x' }),
  chunk({ content: 'Hello' }, {}, { logprobs: null }),
])('%j is plain', (value) => {
  expect(plainChunk(value)).toEqual(ChatChunk.parse(value))
})

test('a role is not read', () => {
  expect(plainChunk(chunk({ role: 'assistant', content: '' }))).toEqual(plainChunk(chunk({ content: '' })))
})

test.each([
  chunk({ content: 'Hello' }, {}, { finish_reason: 'stop' }),
  chunk({ content: 'Hello' }, { usage: { prompt_tokens: 1 } }),
  chunk({ content: 'Hello' }, { error: 'broken' }),
  chunk({ content: 'Hello', reasoning_content: 'Hm.' }),
  chunk({ content: 'Hello', tool_calls: [] }),
  chunk({ content: ['Hello'] }),
  chunk({}),
  { ...chunk({ content: 'Hello' }), choices: [] },
  null,
  'text',
])('%j is not plain', (value) => {
  expect(plainChunk(value)).toBeUndefined()
})

test('whatever is plain is read as by the schema', () => {
  const value = fc.oneof(fc.constant(null), fc.string(), fc.integer(), fc.constant(undefined), fc.object())
  const record = (...keys: string[]) =>
    fc.record(Object.fromEntries(keys.map((key) => [key, value])), { requiredKeys: [] })
  const choice = fc
    .tuple(
      record('finish_reason', 'usage', 'message'),
      fc.record({ content: fc.string() }),
      record('refusal', 'tool_calls', 'thinking'),
    )
    .map(([others, said, more]) => ({ ...others, delta: { ...more, ...said } }))
  const chunks = fc
    .tuple(record('usage', 'error', 'object', 'x_groq'), fc.array(choice, { maxLength: 2 }))
    .map(([others, choices]) => ({ ...others, choices }))
  const isSame = (given: object) => {
    const plain = plainChunk(given)
    return plain === undefined || isDeepStrictEqual(defined(plain), defined(ChatChunk.parse(given)))
  }
  expect(fc.check(fc.property(chunks, isSame), { numRuns: 500 }).counterexample).toBeNull()
})

/** Without fields that are there and undefined. */
const defined = (value: object) => JSON.parse(JSON.stringify(value)) as unknown
