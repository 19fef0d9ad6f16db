// Parts of messages besides text, in each provider's form.
import { describe, expect, test } from 'vitest'
import type { Message } from '../../../server/contract/message.ts'
import type { Part } from '../../../server/contract/message-part.ts'
import { toAnthropicPrompt } from '../../../server/models/anthropic/messages.ts'
import { toChatMessage } from '../../../server/models/openai/messages.ts'

const png = 'data:image/png;base64,iVBO'
const pdf = 'data:application/pdf;base64,JVBE'
const wav = 'data:audio/wav;base64,UklG'
const picture: Part[] = [
  { type: 'text', text: 'What is this?' },
  { type: 'image', url: png, detail: 'low' },
  { type: 'image', url: 'https://example.com/a.png' },
  { type: 'file', url: pdf, filename: 'a.pdf' },
]
const thought: Message = {
  role: 'assistant',
  content: [
    { type: 'reasoning', text: 'Hm.' },
    { type: 'text', text: 'A cat.' },
    { type: 'refusal', text: 'No more.' },
  ],
}

describe('OpenAI', () => {
  test('is sent pictures, sound and files', () => {
    expect(
      toChatMessage({
        role: 'user',
        name: 'ada',
        content: [...picture, { type: 'audio', url: wav }],
      } as Message),
    ).toEqual({
      role: 'user',
      name: 'ada',
      content: [
        { type: 'text', text: 'What is this?' },
        { type: 'image_url', image_url: { url: png, detail: 'low' } },
        { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
        { type: 'file', file: { file_data: pdf, filename: 'a.pdf' } },
        { type: 'input_audio', input_audio: { data: 'UklG', format: 'wav' } },
      ],
    })
    expect(toChatMessage({ role: 'user', content: [{ type: 'file', fileId: 'file-1' }] })).toEqual({
      role: 'user',
      content: [{ type: 'file', file: { file_id: 'file-1' } }],
    })
  })

  test('is sent what was said, and not what was thought', () => {
    expect(toChatMessage(thought)).toEqual({
      role: 'assistant',
      content: [
        { type: 'text', text: 'A cat.' },
        { type: 'refusal', refusal: 'No more.' },
      ],
    })
    expect(toChatMessage({ role: 'assistant', content: [{ type: 'reasoning', text: 'Hm.' }] })).toEqual({
      role: 'assistant',
      content: null,
    })
  })

  test.for<[string, Message]>([
    [
      'audio but WAV and MP3',
      { role: 'user', content: [{ type: 'audio', url: 'data:audio/ogg;base64,T2dn' }] },
    ],
    ['file by its URL', { role: 'user', content: [{ type: 'file', url: 'https://example.com/a.pdf' }] }],
    [
      'part of type "image" in a tool\'s result',
      { role: 'tool', toolCallId: 'a', content: [{ type: 'image', url: png }] },
    ],
  ])('does not take %s, which says what to give', ([what, message]) => {
    expect(() => toChatMessage(message)).toThrow(
      expect.objectContaining({
        name: 'ModelError',
        retriable: false,
        message: expect.stringMatching(/^OpenAI's chat completions take no .*: give .*\.$/),
      }),
    )
    expect(() => toChatMessage(message)).toThrow(what)
  })
})

describe('Anthropic', () => {
  const blocksOf = (message: Message) => toAnthropicPrompt([message]).messages[0]?.content

  test('is sent pictures and documents, in results of tools too', () => {
    const blocks = [
      { type: 'text', text: 'What is this?' },
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBO' } },
      { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } },
      {
        type: 'document',
        source: { type: 'base64', media_type: 'application/pdf', data: 'JVBE' },
        title: 'a.pdf',
      },
    ]
    expect(blocksOf({ role: 'user', content: picture } as Message)).toEqual(blocks)
    expect(blocksOf({ role: 'tool', toolCallId: 'a', content: picture } as Message)).toEqual([
      { type: 'tool_result', tool_use_id: 'a', content: blocks },
    ])
    const note = { type: 'file', url: `data:text/markdown;base64,${btoa('# Hi')}` } as const
    expect(blocksOf({ role: 'user', content: [note] })).toEqual([
      { type: 'document', source: { type: 'text', media_type: 'text/plain', data: '# Hi' } },
    ])
  })

  test('is sent what was said, and instructions in parts as one text', () => {
    expect(blocksOf(thought)).toEqual([
      { type: 'text', text: 'A cat.' },
      { type: 'text', text: 'No more.' },
    ])
    const system: Message = {
      role: 'system',
      content: [
        { type: 'text', text: 'Be ' },
        { type: 'text', text: 'brief.' },
      ],
    }
    expect(toAnthropicPrompt([system]).system).toBe('Be brief.')
  })

  test.for<[string, Part]>([
    ['audio', { type: 'audio', url: wav }],
    ['files of type application/zip', { type: 'file', url: 'data:application/zip;base64,UEsD' }],
  ])('does not take %s, which says what to give', ([what, part]) => {
    const ask = () => blocksOf({ role: 'user', content: [part] } as Message)
    expect(ask).toThrow(expect.objectContaining({ name: 'ModelError', retriable: false }))
    expect(ask).toThrow(`Anthropic takes no ${what}: give`)
  })
})
