// A real crew, with a scripted model. `CREWAI_PYTHON` names an interpreter that has CrewAI.
import { describe, expect } from 'vitest'
import { crew } from '../../examples/crewai/runtime.ts'
import { createScriptedModel } from '../../server/models/scripted.ts'
import { childrenOf, signalIfThere } from '../support/processes.ts'
import { outputOf } from '../support/rest-client.ts'
import { test } from '../support/runtime.ts'

const LOOK_UP = { text: 'Thought: I need a fact.\nAction: look_up\nAction Input: {"topic": "rain"}' }
const RESEARCHED = { text: 'Thought: I now can give a great answer\nFinal Answer: Rain is wet.' }
const WRITTEN = { text: ['Thought: I now can give a great answer\n', 'Final Answer: How wet rain is.'] }
const params = { topic: 'rain' }

describe('a crew of CrewAI', () => {
  test('asks the model of the runtime, and uses its tools', async ({ createServer }) => {
    const usage = { inputTokens: 10, outputTokens: 2 }
    const model = createScriptedModel([
      { ...LOOK_UP, usage },
      {
        ...RESEARCHED,
        usage,
        asked: ({ messages }) => expect(JSON.stringify(messages)).toContain('it is wet'),
      },
      {
        ...WRITTEN,
        usage,
        asked: ({ messages }) => expect(JSON.stringify(messages)).toContain('Rain is wet.'),
      },
    ])
    const { rest } = await createServer({ agents: [crew], model })
    const id = await rest.create('crew', { params })
    const events = await rest.events(`runs/${id}/events?include_all=1`)
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded' })
    const { body } = await rest.get(`runs/${id}`)
    expect(outputOf(body)).toEqual({ text: 'How wet rain is.' })
    expect(body).toMatchObject({ output: { usage: { total_tokens: 36 } } })
    expect(events.filter(({ type }) => type === 'step.completed').map(({ name }) => name)).toEqual([
      'model',
      'look_up',
      'model',
      'model',
    ])
    expect(
      events.some(({ type, content }) => type === 'assistant.delta' && /Thought/.test(String(content))),
    ).toBe(true)
    model.assertAsked()
  })

  test('goes on where it was when its process was killed', async ({ createServer }) => {
    const dead = Promise.withResolvers<void>()
    const model = createScriptedModel([
      LOOK_UP,
      RESEARCHED,
      [{ waitFor: dead.promise }, { error: new Error('Nobody is there any more.') }],
      WRITTEN,
    ])
    const { rest } = await createServer({ agents: [crew], model, config: { maxAttempts: 2 } })
    const id = await rest.create('crew', { params })
    await expect.poll(() => model.requests.length, { timeout: 120_000 }).toBe(3)
    for (const pid of childrenOf(
      process.pid,
      (process.env['CREWAI_PYTHON'] ?? 'python3').split('/').at(-1),
    )) {
      signalIfThere(pid, 'SIGKILL')
    }
    const events = rest.events(`runs/${id}/events?include_debug=1`)
    await expect
      .poll(async () => (await rest.get(`runs/${id}`)).body['attempt'], { timeout: 120_000 })
      .toBe(2)
    dead.resolve()
    expect((await events).at(-1)).toMatchObject({ type: 'run.succeeded' })
    expect(outputOf((await rest.get(`runs/${id}`)).body)).toEqual({ text: 'How wet rain is.' })
    // The second attempt did not repeat the questions that the first one had answers to.
    expect(model.requests).toHaveLength(4)
    expect(
      (await events).filter(({ type, name }) => type === 'step.completed' && name === 'look_up'),
    ).toHaveLength(1)
  })
})
