// A real LiteLLM proxy between the client and a server of the provider's format. `LITELLM` names its command.
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createModelFinder } from '../../server/models/find-model.ts'
import { createDemoModel } from '../../server/models/demo/demo.ts'
import type { Model, ModelChunk } from '../../server/ports/model.ts'
import { freePort } from '../support/local-server.ts'
import { refusing, sending, startLoopbackProvider } from '../support/loopback-provider.ts'
import type { LoopbackProvider } from '../support/loopback-provider.ts'
import { collectAll } from '../support/model-provider.ts'
import { chatWire } from '../support/model-wires.ts'
import type { SaidAnswer } from '../support/model-wires.ts'

// The proxy refuses a weak key.
const KEY = 'sk-litellm-test-0123456789abcdef'
const STARTS_WITHIN_MS = 120_000

let provider: LoopbackProvider
let model: Model
const cleanUp: (() => PromiseLike<unknown>)[] = []

beforeAll(async () => {
  provider = await startLoopbackProvider()
  cleanUp.push(() => provider[Symbol.asyncDispose]())
  const folder = await mkdtemp(join(tmpdir(), 'litellm-'))
  cleanUp.push(() => rm(folder, { recursive: true }))
  const config = {
    model_list: [
      {
        model_name: 'upstream',
        litellm_params: { model: 'openai/upstream', api_key: 'none', api_base: provider.url, max_retries: 0 },
      },
    ],
    general_settings: { master_key: KEY },
    router_settings: { num_retries: 0, disable_cooldowns: true },
  }
  // JSON is also YAML.
  await writeFile(join(folder, 'config.yaml'), JSON.stringify(config))
  const port = await freePort()
  const child = spawn(
    process.env['LITELLM'] ?? 'litellm',
    ['--config', join(folder, 'config.yaml'), '--host', '127.0.0.1', '--port', String(port)],
    // Otherwise it downloads a list of prices.
    { stdio: 'ignore', env: { ...process.env, LITELLM_LOCAL_MODEL_COST_MAP: 'True' } },
  )
  const exited = new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', () => resolve())
  })
  cleanUp.push(() => {
    child.kill()
    return exited
  })
  const url = `http://127.0.0.1:${port}`
  await Promise.race([
    vi.waitUntil(() => isUp(url), { timeout: STARTS_WITHIN_MS, interval: 200 }),
    exited.then(() => Promise.reject(new Error('litellm ended at once.'))),
  ])
  const env = { LITELLM_API_KEY: KEY, LITELLM_BASE_URL: url }
  model = createModelFinder({ models: {}, getDefault: createDemoModel }, env)('litellm/upstream')
}, STARTS_WITHIN_MS)

afterAll(async () => {
  for (const step of cleanUp.toReversed()) await step()
})

async function isUp(url: string): Promise<boolean> {
  const response = await fetch(`${url}/health/liveliness`).catch(() => undefined)
  return response?.ok === true
}

const hello = { messages: [{ role: 'user' as const, content: 'Hello' }] }
const ask = (answer: SaidAnswer) => {
  provider.answerWith(sending(chatWire.frames(answer)))
  return collectAll(model, hello)
}
const textOf = (chunks: readonly ModelChunk[]) =>
  chunks.flatMap((chunk) => (chunk.type === 'text' ? [chunk.text] : [])).join('')

describe('a LiteLLM proxy', () => {
  test('answers with text, thoughts and usage', async () => {
    const chunks = await ask({ said: [{ thought: 'Hm.' }, { text: 'Hel' }, { text: 'lo' }] })
    expect(textOf(chunks)).toBe('Hello')
    expect(chunks).toContainEqual({ type: 'reasoning', text: 'Hm.' })
    expect(chunks.at(-1)).toMatchObject({
      type: 'finish',
      reason: 'stop',
      usage: { inputTokens: 30, outputTokens: 20 },
    })
  })

  test('passes parallel calls on', async () => {
    const chunks = await ask({
      said: [
        { call: 'call_1', name: 'add', pieces: ['{"n":', '1}'] },
        { call: 'call_2', name: 'add', pieces: ['{"n":2}'] },
      ],
      end: 'tool-calls',
    })
    const calls = chunks.flatMap((chunk) => (chunk.type === 'tool-call' ? [chunk.toolCall] : []))
    expect(calls).toEqual([
      { id: 'call_1', name: 'add', arguments: { n: 1 } },
      { id: 'call_2', name: 'add', arguments: { n: 2 } },
    ])
    expect(chunks.at(-1)).toMatchObject({ reason: 'tool-calls' })
  })

  test.for([
    [400, 'context_length_exceeded', 'context_overflow', 1],
    // Our client and the proxy both try again.
    [429, 'rate_limit_error', 'rate_limited', 12],
  ] as const)('tells a refusal with %i %s by its code', async ([status, type, code, times]) => {
    const refusal = chatWire.refusal(type, "This model's maximum context length is 10 tokens.")
    provider.answerWith(...Array.from({ length: times }, () => refusing(status, refusal)))
    await expect(collectAll(model, hello)).rejects.toMatchObject({ code })
  })
})
