import type Anthropic from '@anthropic-ai/sdk'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AgentMessage } from '../../../server/contract/message.ts'
import { fromAnthropicMessages } from '../../../server/models/anthropic/from-anthropic.ts'
import { toAnthropicPrompt } from '../../../server/models/anthropic/messages.ts'
import type { Block } from '../../../server/models/anthropic/messages.ts'
import { toProviderMessages } from '../../../server/models/provider/provider-messages.ts'

const said = fc.string({ minLength: 1 }).filter((text) => text.trim() !== '')
const id = fc.uuid()
const text = said.map((words) => ({ type: 'text', text: words }))
const base64 = fc.base64String()
const source = (media_type: string) =>
  fc.oneof(
    fc.webUrl().map((url) => ({ type: 'url', url })),
    base64.map((data) => ({ type: 'base64', media_type, data })),
  )
const image = source('image/png').map((from) => ({ type: 'image', source: from }))
const document = fc.oneof(
  source('application/pdf').map((from) => ({ type: 'document', source: from })),
  said.map((data) => ({
    type: 'document',
    source: { type: 'text', media_type: 'text/plain', data },
    title: 'a.txt',
  })),
  said.map((file_id) => ({ type: 'document', source: { type: 'file', file_id } })),
)
const result = fc
  .tuple(id, fc.oneof(fc.string(), fc.tuple(image, text), fc.tuple(document)))
  .map(([tool_use_id, content]) => ({ type: 'tool_result', tool_use_id, content }))
const call = fc
  .tuple(id, said, fc.dictionary(fc.string(), fc.string()))
  .map(([callId, name, input]) => ({ type: 'tool_use', id: callId, name, input: { ...input } }))
const thinking = said.map((thought) => ({ type: 'thinking', thinking: thought, signature: 'c2ln' }))

const userTurn = fc
  .array(fc.oneof(text, image, document, result), { minLength: 1, maxLength: 4 })
  .map((content) => ({ role: 'user', content }))
const answer = fc
  .tuple(
    fc.array(thinking, { maxLength: 1 }),
    fc.array(text, { maxLength: 2 }),
    fc.array(call, { maxLength: 2 }),
  )
  .map((blocks) => blocks.flat())
  .filter((content) => content.length > 0)
  .map((content) => ({ role: 'assistant', content }))
const conversation = fc
  .array(fc.tuple(userTurn, answer), { minLength: 1, maxLength: 3 })
  .map((turns) => turns.flat()) as unknown as fc.Arbitrary<Anthropic.MessageParam[]>

test('a conversation that was held with Anthropic goes back as it was', () => {
  fc.assert(
    fc.property(conversation, (held) => {
      const messages = fromAnthropicMessages(held, { system: 'Be brief.' })
      // In the stored form.
      const stored = messages.map((message) => AgentMessage.parse(JSON.parse(JSON.stringify(message))))
      const { messages: known, dataOf } = toProviderMessages(stored, 'anthropic')
      const prompt = toAnthropicPrompt(known, (message) => dataOf(message) as Block[] | undefined)
      expect(prompt).toEqual({ system: 'Be brief.', messages: held })
    }),
  )
})

describe('a conversation', () => {
  test('in short form is taken too', () => {
    expect(
      fromAnthropicMessages(
        [
          { role: 'user', content: 'Hello' },
          { role: 'assistant', content: 'Hi.' },
          { role: 'system', content: [{ type: 'text', text: 'It is late.' }] },
        ],
        { system: [{ type: 'text', text: 'Be brief.' }] },
      ),
    ).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hello' },
      { role: 'assistant', content: 'Hi.' },
      { role: 'system', content: 'It is late.' },
    ])
  })

  test('with a block that no message has a place for is refused', () => {
    const upload = { type: 'container_upload', file_id: 'a' } as const
    expect(() => fromAnthropicMessages([{ role: 'user', content: [upload] }])).toThrow(
      'a message has no place for a block of type "container_upload"',
    )
  })
})
