import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test as base } from 'vitest'
import { createAnthropicModel } from '../../../server/models/anthropic/index.ts'
import { createOpenAIModel } from '../../../server/models/openai/index.ts'
import { createRecorder } from '../../../testing/index.ts'
import { refusing, sending, startLoopbackProvider } from '../../support/loopback-provider.ts'
import type { LoopbackProvider } from '../../support/loopback-provider.ts'
import { collectAll } from '../../support/model-provider.ts'
import { anthropicWire, chatWire } from '../../support/model-wires.ts'

const KEY = 'sk-very-secret-1234'

const test = base.extend<{ file: string; provider: LoopbackProvider }>({
  // oxlint-disable-next-line no-empty-pattern -- Fixtures have to destructure what they use.
  file: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'recorder-'))
    await use(join(folder, 'recording.json'))
    await rm(folder, { recursive: true })
  },
  // oxlint-disable-next-line no-empty-pattern -- Fixtures have to destructure what they use.
  provider: async ({}, use) => {
    await using provider = await startLoopbackProvider()
    await use(provider)
  },
})

const ask = (content: string) => ({ messages: [{ role: 'user' as const, content }] })

describe('a recording', () => {
  test.for([
    ['OpenAI', createOpenAIModel, chatWire],
    ['Anthropic', createAnthropicModel, anthropicWire],
  ] as const)(
    'of %s is played back as it was, without its server and key',
    async ([, create, wire], { file, provider }) => {
      const said = [{ thought: 'Hm 🎉' }, { call: 'c', name: 'add', pieces: ['{"n":', '1}'] }]
      provider.answerWith(
        sending(wire.frames({ said, end: 'tool-calls' })),
        sending(wire.frames({ said: [{ text: 'Two.' }] })),
      )
      const options = { baseURL: provider.url, maxRetries: 0 }
      const recorder = createRecorder({ file })
      expect(recorder.mode).toBe('record')
      const live = create({ ...options, apiKey: KEY, fetch: recorder.fetch })
      const first = await collectAll(live, ask('One?'))
      const second = await collectAll(live, ask('Two?'))
      expect(await readFile(file, 'utf8')).not.toContain(KEY)

      const played = createRecorder({ file })
      expect(played.mode).toBe('replay')
      const model = create({ ...options, apiKey: 'none', fetch: played.fetch })
      // Also in another order: a request is recognised by its content.
      expect(await collectAll(model, ask('Two?'))).toEqual(second)
      expect(await collectAll(model, ask('One?'))).toEqual(first)
      expect(provider.bodies).toHaveLength(2)
    },
  )

  test('says what it was asked where it has no answer to that, or no further one', async ({
    file,
    provider,
  }) => {
    provider.answerWith(sending(chatWire.frames({ said: [{ text: 'One.' }] })))
    const options = { baseURL: provider.url, apiKey: KEY }
    await collectAll(createOpenAIModel({ ...options, fetch: createRecorder({ file }).fetch }), ask('One?'))
    const model = createOpenAIModel({ ...options, fetch: createRecorder({ file }).fetch })
    await collectAll(model, ask('One?'))
    for (const asked of ['One?', 'Other?']) {
      const failing = collectAll(model, ask(asked))
      await expect(failing).rejects.toMatchObject({
        code: 'invalid_request',
        retriable: false,
        message: expect.stringContaining('has no answer'),
      })
    }
  })

  test('has no key where a provider repeats it, nor other texts that it must not have', async ({
    file,
    provider,
  }) => {
    const message = `Incorrect API key provided: ${KEY}. Ada "the first" may not.`
    provider.answerWith(refusing(401, { error: { message, code: 'invalid_api_key' } }))
    const recorder = createRecorder({ file, secrets: ['Ada "the first"'] })
    const model = createOpenAIModel({
      baseURL: provider.url,
      apiKey: KEY,
      fetch: recorder.fetch,
      maxRetries: 0,
    })
    await expect(collectAll(model, ask('I am Ada "the first"'))).rejects.toMatchObject({
      code: 'access_denied',
    })
    const written = await readFile(file, 'utf8')
    expect(written).toContain('[secret]')
    expect(written).not.toMatch(/very-secret|the first/)
    const played = createOpenAIModel({
      baseURL: provider.url,
      apiKey: 'none',
      fetch: createRecorder({ file, secrets: ['Ada "the first"'] }).fetch,
      maxRetries: 0,
    })
    await expect(collectAll(played, ask('I am Ada "the first"'))).rejects.toMatchObject({
      code: 'access_denied',
    })
  })

  test('that is none is refused', async ({ file }) => {
    expect(() => createRecorder({ file, mode: 'replay' })).toThrow('ENOENT')
    await writeFile(file, '{"exchanges":[{}]}')
    expect(() => createRecorder({ file })).toThrow('request')
  })
})
