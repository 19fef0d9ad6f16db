import { describe, expect } from 'vitest'
import { createScriptedModel } from '../../../../server/models/scripted.ts'
import { ModelError } from '../../../../server/ports/model.ts'
import { isInstalled } from '../../../support/local-server.ts'
import { outputOf } from '../../../support/rest-client.ts'
import type { RestEvent } from '../../../support/rest-client.ts'
import { test } from '../../../support/runtime.ts'
import { createNotes, failureIn, pythonAgent } from './python-agents.ts'

const DEBUG = 'events?include_debug=1'
const config = { maxAttempts: 3 }

describe.skipIf(!isInstalled('python3'))('an agent in Python', () => {
  test('emits, logs and ends; what it prints goes to the log', async ({ createServer }) => {
    const { rest, log } = await createServer({ agents: [pythonAgent('hello')] })
    const id = await rest.create('hello', { params: { name: 'Ada' } })
    const events = await rest.events(`runs/${id}/${DEBUG}`)
    expect(events.map(({ type, content, percent }) => [type, content ?? percent])).toEqual([
      ['run.started', undefined],
      ['assistant.delta', 'Hello '],
      ['assistant.message', 'Hello Ada'],
      ['progress', 50],
      ['run.succeeded', undefined],
    ])
    expect(new Set(events.slice(1, 3).map((event) => event['message_id'])).size).toBe(1)
    const { body } = await rest.get(`runs/${id}`)
    expect(body['output']).toMatchObject({
      final_output: { principal: 'public', attempt: 1 },
      final_messages: [{ role: 'assistant', content: 'Hello Ada' }],
    })
    await expect
      .poll(() => log.map(({ message }) => message))
      .toEqual(expect.arrayContaining(['printed by a run', 'echoed by a child', 'about to end']))
    expect(log.find(({ message }) => message === 'about to end')).toMatchObject({
      level: 'warn',
      fields: { runId: id, agentKey: 'hello', attempt: 1 },
    })
  })

  test('may be a function that blocks', async ({ createServer }) => {
    const { rest } = await createServer({ agents: [pythonAgent('hello-sync')] })
    const id = await rest.create('hello-sync')
    expect((await rest.events(`runs/${id}/${DEBUG}`)).at(-1)).toMatchObject({ type: 'run.succeeded' })
    expect(outputOf((await rest.get(`runs/${id}`)).body)).toMatchObject({
      state: { made: { key: `${id}/make/1` } },
    })
  })

  test('does what a step did once, though it died in between', async ({ createServer, database }) => {
    const notes = await createNotes()
    const { rest, log } = await createServer({ agents: [pythonAgent('steps')], config })
    const id = await rest.create('steps', { params: { notes: notes.path } })
    const events = await rest.events(`runs/${id}/${DEBUG}`)
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded' })
    expect(await notes.read()).toEqual(['one', 'two'])
    expect(outputOf((await rest.get(`runs/${id}`)).body)).toMatchObject({ attempt: 2, two: 'two' })
    // The step's messages are not void, since no later attempt repeats them.
    const retrying = events.find(({ type }) => type === 'run.retrying')
    expect(retrying).toMatchObject({
      message_ids: [],
      error: { code: 'internal', message: "The agent's process ended before its run did (exit code 3)." },
    })
    expect(JSON.stringify(events)).not.toContain('about to die')
    expect(String(failureIn(log, 'the agent failed and is tried again').cause)).toContain('about to die')
    expect(await database.sql('SELECT name FROM agent_runtime.step ORDER BY started_at')).toEqual([
      { name: 'one' },
      { name: 'two' },
    ])
  })

  test('hands steps what they take', async ({ createServer }) => {
    const { rest } = await createServer({ agents: [pythonAgent('arguments')] })
    const id = await rest.create('arguments')
    await rest.events(`runs/${id}/${DEBUG}`)
    expect(outputOf((await rest.get(`runs/${id}`)).body)).toEqual({
      given: ['a', 'b'],
      needed: `${id}/needed/1`,
      annotated: `${id}/annotated/1`,
      'built in': {},
      any: 0,
      integers: [2 ** 53, 1e20, '12345678901234567890', 0.1 + 0.2],
    })
  })

  test('waits for people, without holding its process', async ({ createServer }) => {
    const { rest } = await createServer({
      agents: [pythonAgent('waits', { maxProcesses: 1 }), pythonAgent('hello')],
    })
    const id = await rest.create('waits')
    const stream = await rest.stream(`runs/${id}/events`)
    expect((await stream.until('run.waiting')).at(-1)).toMatchObject({
      payload: { name: 'colour', details: { ask: 'Which?' }, schema: { enum: ['red', 'blue'] } },
    })
    expect((await rest.post(`runs/${id}/respond`, { wait: 'colour', value: 'green' })).status).toBe(400)
    // Another run may use the only process meanwhile.
    const other = await rest.create('waits')
    await (await rest.stream(`runs/${other}/events`)).until('run.waiting')
    await rest.post(`runs/${id}/respond`, { wait: 'colour', value: 'red' })
    const [asked] = (await stream.until('run.waiting')).slice(-1)
    const { name, details } = (asked as RestEvent).payload as { name: string; details: { hash: string } }
    await rest.post(`runs/${id}/respond`, { wait: name, value: { approved: true, hash: details.hash } })
    await stream.until('run.succeeded')
    expect(outputOf((await rest.get(`runs/${id}`)).body)).toMatchObject({
      colour: 'red',
      by: 'public',
      approved: true,
    })
    await rest.post(`runs/${other}/cancel`)
  })

  test('asks the models of the runtime, whose usage counts', async ({ createServer }) => {
    const usage = { inputTokens: 2, outputTokens: 3 }
    const model = createScriptedModel([
      { text: '1', usage },
      { text: ['2', '2'], usage },
      {
        asked: ({ messages }) => expect(messages[0]).toMatchObject({ role: 'system' }),
        text: ['3', '3', '3'],
        usage,
      },
    ])
    const { rest } = await createServer({ agents: [pythonAgent('asks')], model })
    const id = await rest.create('asks', { messages: [{ role: 'user', content: 'Three?' }] })
    const events = await rest.events(`runs/${id}/${DEBUG}`)
    expect((await rest.get(`runs/${id}`)).body).toMatchObject({
      status: 'succeeded',
      output: { usage: { output_tokens: 9 } },
    })
    expect(outputOf((await rest.get(`runs/${id}`)).body)).toMatchObject({
      plain: '1',
      pieces: ['2', '2'],
      whole: '22',
      turn: '333',
      usage: 3,
    })
    // Followers are only told of the turn.
    expect(events.filter(({ type }) => type === 'assistant.message')).toMatchObject([{ content: '333' }])
    expect(events.filter(({ type }) => type === 'usage')).toHaveLength(3)
    model.assertAsked()
  })

  test('asks a model of its own, whose usage counts as well', async ({ createServer }) => {
    const usage = { inputTokens: 2, outputTokens: 3 }
    const model = createScriptedModel([
      { text: '1', usage },
      { text: '2', usage },
      { text: '3', usage },
    ])
    const { rest } = await createServer({ agents: [pythonAgent('asks', { model })] })
    const id = await rest.create('asks')
    await rest.events(`runs/${id}/${DEBUG}`)
    const { body } = await rest.get(`runs/${id}`)
    expect(body).toMatchObject({ status: 'succeeded', output: { usage: { output_tokens: 9 } } })
    expect(model.requests).toHaveLength(3)
  })

  test('streams an answer also in a function that blocks', async ({ createServer }) => {
    const model = createScriptedModel([{ text: ['2', '2'] }])
    const { rest } = await createServer({ agents: [pythonAgent('asks-sync')], model })
    const id = await rest.create('asks-sync')
    await rest.events(`runs/${id}/${DEBUG}`)
    expect(outputOf((await rest.get(`runs/${id}`)).body)).toMatchObject({ pieces: ['2', '2'], whole: '22' })
  })

  test('asks by `get_llm_client` as its function can', async ({ createServer }) => {
    const agents = [pythonAgent('asks-client')]
    const { rest } = await createServer({ agents, model: createScriptedModel([{ text: '1' }]) })
    const id = await rest.create('asks-client')
    await rest.events(`runs/${id}/${DEBUG}`)
    expect(outputOf((await rest.get(`runs/${id}`)).body)).toBe('1')
  })

  test('is told that a turn takes no schema', async ({ createServer }) => {
    const model = createScriptedModel([{ text: '{}' }])
    const { rest } = await createServer({ agents: [pythonAgent('asks-schema')], model })
    const id = await rest.create('asks-schema')
    await rest.events(`runs/${id}/${DEBUG}`)
    expect(outputOf((await rest.get(`runs/${id}`)).body)).toEqual({
      message: 'A turn takes no "response_schema": ask without "turn", within a step.',
      retriable: false,
    })
    expect(model.requests).toEqual([])
  })

  test("fails by a model's error as any agent does", async ({ createServer }) => {
    const error = new ModelError('No such model.', { code: 'not_found', retriable: false })
    const { rest } = await createServer({
      agents: [pythonAgent('model-fails')],
      model: createScriptedModel([{ error }]),
      config,
    })
    const id = await rest.create('model-fails')
    const events = await rest.events(`runs/${id}/${DEBUG}`)
    expect(events.at(-1)).toMatchObject({
      type: 'run.failed',
      code: 'model_error',
      error: 'No such model.',
      details: { reason: 'not_found' },
      attempt: 1,
    })
  })

  test('stops at its budget', async ({ createServer }) => {
    const usage = { inputTokens: 2, outputTokens: 3 }
    const model = createScriptedModel([
      { text: '1', usage },
      { text: '2', usage },
    ])
    const { rest } = await createServer({
      agents: [{ ...pythonAgent('asks'), budget: { tokens: 5 } }],
      model,
    })
    const id = await rest.create('asks')
    const events = await rest.events(`runs/${id}/${DEBUG}`)
    expect(events.at(-1)).toMatchObject({ type: 'run.failed', code: 'budget_exceeded' })
    expect(model.requests).toHaveLength(1)
  })

  test.for([
    ['told', { code: 'conflict', error: 'Your order is closed.', details: { order: 17 }, attempt: 1 }],
    ['for good', { code: 'agent_error', error: 'The agent failed with an unexpected error.', attempt: 1 }],
    ['otherwise', { code: 'agent_error', error: 'The agent failed with an unexpected error.', attempt: 2 }],
    ['told the time', { code: 'conflict', error: 'Your order is closed.', attempt: 1 }],
    ['without a text', { code: 'agent_error', attempt: 2 }],
    // Completed work must not be repeated.
    ['unserialisable', { code: 'agent_error', attempt: 1 }],
    ['unserialisable step', { code: 'agent_error', attempt: 1 }],
    ['too large', { code: 'agent_error', attempt: 1 }],
    ['mistyped', { code: 'agent_error', attempt: 2 }],
    ['undeclared', { code: 'agent_error', attempt: 2 }],
  ] as const)('fails: %s', async ([kind, failed], { createServer }) => {
    const { rest, log } = await createServer({ agents: [pythonAgent('fails')], config: { maxAttempts: 2 } })
    const id = await rest.create('fails', { params: kind })
    const events = await rest.events(`runs/${id}/${DEBUG}`)
    expect(events.at(-1)).toMatchObject({ type: 'run.failed', ...failed })
    expect(JSON.stringify(events)).not.toContain('secret')
    const err = failureIn(log)
    if (kind === 'otherwise') expect(err.message).toBe("ValueError: a secret of the agent's")
    if (kind === 'unserialisable step') expect(err.message).toMatch(/'step\.end' is no JSON: .*datetime/)
    if (kind === 'too large') expect(err.message).toContain('The integer 9007199254740993 would change')
    if (kind === 'mistyped') expect(err.message).toContain("'time_out'")
    if (kind === 'undeclared') expect(err.message).toMatch(/emits "no\.such\.event"/)
  })

  test('has other agents do something', async ({ createServer }) => {
    const [hello, fails] = [pythonAgent('hello'), pythonAgent('fails')]
    const parent = pythonAgent('parent', { agents: [hello, fails] })
    const { rest } = await createServer({ agents: [hello, fails, parent] })
    const id = await rest.create('parent')
    const events = await rest.events(`runs/${id}/${DEBUG}`)
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded' })
    const output = outputOf((await rest.get(`runs/${id}`)).body) as { started: string }
    expect(output).toMatchObject({ texts: ['Hello Ada', 'Hello Bob'], error: ['child_failed', 'failed'] })
    await rest.events(`runs/${output.started}/events`)
    expect((await rest.get(`runs/${output.started}`)).body).toMatchObject({ status: 'succeeded' })
    const { body } = await rest.get(`runs?parent_run_id=${id}`)
    expect(body['results']).toHaveLength(4)
    // Steps that started together continue together.
    const started = events.filter(({ type }) => type === 'child.started')
    expect(started.slice(0, 2).map(({ attempt }) => attempt)).toEqual([1, 1])
  })

  test('has them do it also from a function that blocks', async ({ createServer }) => {
    const hello = pythonAgent('hello')
    const { rest } = await createServer({ agents: [hello, pythonAgent('parent-sync', { agents: [hello] })] })
    const id = await rest.create('parent-sync')
    await rest.events(`runs/${id}/${DEBUG}`)
    expect(outputOf((await rest.get(`runs/${id}`)).body)).toBe('Hello Ada')
  })

  test.for(['starter', 'starter-sync'])(
    'is told of the end in the conversation’s next run, of %s',
    async (key, { createServer, database }) => {
      const hello = pythonAgent('hello')
      const { rest } = await createServer({ agents: [hello, pythonAgent(key, { agents: [hello] })] })
      const asked = { messages: [{ role: 'user', content: 'Go.' }], conversation: 'new' }
      const id = await rest.create(key, asked)
      const events = await rest.events(`runs/${id}/${DEBUG}`)
      expect(events.at(-1)).toMatchObject({ type: 'run.succeeded' })
      const next = () =>
        database.sql<{ id: string }>(
          'SELECT id FROM agent_runtime.run WHERE parent_run_id = $1 AND agent_key = $2',
          [id, key],
        )
      await expect.poll(next).toHaveLength(1)
      const [run] = await next()
      await rest.events(`runs/${run?.id}/${DEBUG}`)
      expect(outputOf((await rest.get(`runs/${run?.id}`)).body)).toMatchObject({
        agentKey: 'hello',
        status: 'succeeded',
      })
    },
  )

  test('has none do it that is not among its agents', async ({ createServer }) => {
    const slow = pythonAgent('slow')
    const { rest, log } = await createServer({ agents: [slow, pythonAgent('forbidden')] })
    const id = await rest.create('forbidden')
    expect((await rest.events(`runs/${id}/${DEBUG}`)).at(-1)).toMatchObject({ type: 'run.failed' })
    expect(failureIn(log).message).toBe('The agent may not run "slow": it is not among its "agents".')
  })

  test('is told what this runtime can not do', async ({ createServer }) => {
    const { rest, log } = await createServer({ agents: [pythonAgent('undeclared-request')] })
    const id = await rest.create('undeclared-request')
    await rest.events(`runs/${id}/${DEBUG}`)
    const err = failureIn(log)
    expect(err.message).toBe('This runtime can\'t do what "dance" asks for.')
  })
})
