// The behaviour of agents of every framework.
import { describe, expect } from 'vitest'
import { initialRunState, partsOf, reduceRun } from '../../../../client/index.ts'
import { entry, runCli } from '../../../support/cli.ts'
import { frameworkAgents } from '../../../support/frameworks/agents.ts'
import { ROWS, answering, call, frames, test } from '../../../support/frameworks/conformance.ts'
import { chatWire } from '../../../support/model-wires.ts'
import { refusing, sending } from '../../../support/loopback-provider.ts'
import { claimAsAnother } from '../../../support/takeover.ts'

const ALL = 'events?include_all=1'
const ASKED = { messages: [{ role: 'user' as const, content: 'How is the weather?' }] }

const looksUp = answering({
  said: [{ thought: 'Hm.' }, call('look_up', { city: 'Lisbon' })],
  end: 'tool-calls',
})
const sends = answering({ said: [call('send', { to: 'Ann' })], end: 'tool-calls' })
const talks = answering({ said: [{ text: 'It is ' }, { text: 'sunny.' }] })

describe.for(ROWS)('$key', ({ key, approve }) => {
  test('tells what its model and tools do, and ends with neutral messages', async ({
    createServer,
    provider,
    effects,
  }) => {
    const agents = frameworkAgents({ providerUrl: provider.url, effectsFile: effects.file })
    const { rest, trpc } = await createServer({ agents })
    provider.answerWith(looksUp, talks)
    const id = await rest.create(key, { ...ASKED, conversation: 'new' })
    const events = await rest.events(`runs/${id}/${ALL}`)
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', output: 'It is sunny.' })
    const told = events.filter(({ type }) => /^(assistant|reasoning|tool|usage)/.test(type))
    expect(told.map(({ type }) => type).toSorted()).toEqual(
      [
        'assistant.delta',
        'assistant.message',
        'reasoning.delta',
        'tool.call',
        'tool.result',
        'usage',
        'usage',
      ].toSorted(),
    )
    const of = (type: string) => told.filter((event) => event.type === type)
    // Adjacent deltas share a row.
    expect(of('assistant.delta')).toMatchObject([{ content: 'It is sunny.' }])
    expect(of('assistant.message')).toMatchObject([{ content: 'It is sunny.' }])
    expect(of('reasoning.delta')).toMatchObject([{ content: 'Hm.' }])
    expect(of('usage')).toMatchObject([
      { model: 'm', input_tokens: 30, output_tokens: 20, cached_input_tokens: 10 },
      { model: 'm', input_tokens: 30, output_tokens: 20, cached_input_tokens: 10 },
    ])
    const [called] = of('tool.call')
    expect(called).toMatchObject({ tool: 'look_up', arguments: { city: 'Lisbon' } })
    const toolCallId = called?.['tool_call_id']
    expect(of('tool.result')).toMatchObject([
      { tool: 'look_up', tool_call_id: toolCallId, result: { sky: 'clear over Lisbon' } },
    ])
    expect(of('assistant.delta')[0]?.['message_id']).toBe(of('assistant.message')[0]?.['message_id'])

    const { messages, conversationId } = await trpc.client.runs.get.query({ runId: id })
    expect(messages).toMatchObject([
      { role: 'user', content: 'How is the weather?' },
      { role: 'assistant', toolCalls: [{ id: toolCallId, name: 'look_up', arguments: { city: 'Lisbon' } }] },
      { role: 'tool', toolCallId, content: '{"sky":"clear over Lisbon"}' },
      { id: of('assistant.message')[0]?.['message_id'], role: 'assistant', content: 'It is sunny.' },
    ])
    const { conversations } = trpc.client
    const kept = await conversations.get.query({
      conversationId: String(conversationId),
      includeDebug: true,
    })
    expect(kept.messages[1]?.content).toEqual([{ type: 'reasoning', text: 'Hm.' }])
    expect(await effects.all()).toEqual(['look_up Lisbon'])
    // The model was sent the result.
    expect(JSON.stringify(provider.bodies[1])).toContain('clear over Lisbon')
  })

  test('shows a tool that failed as failed, live and as it is stored', async ({
    createServer,
    provider,
    effects,
  }) => {
    const agents = frameworkAgents({ providerUrl: provider.url, effectsFile: effects.file })
    const { trpc } = await createServer({ agents })
    const fails = call('look_up', { city: 'Atlantis' })
    provider.answerWith(answering({ said: [fails], end: 'tool-calls' }), talks)
    const { runs, conversations } = trpc.client
    const { id: conversationId } = await conversations.create.mutate({})
    const run = await runs.create.mutate({ agentKey: key, conversationId, ...ASKED })
    const events = await trpc.events({ runId: run.id, includeDebug: true })
    const live = events.reduce(reduceRun, initialRunState()).messages.flatMap(({ parts }) => parts)
    expect(live).toMatchObject([
      { type: 'tool', tool: 'look_up', state: 'failed', input: { city: 'Atlantis' } },
      { type: 'text', text: 'It is sunny.' },
    ])
    const { messages } = await conversations.get.query({ conversationId, includeDebug: true })
    const stored = messages.slice(1).flatMap((message) => partsOf(message, messages))
    expect(stored).toEqual(live)
  })

  test('fails by what its provider refuses, and is not tried again', async ({
    createServer,
    provider,
    effects,
  }) => {
    const agents = frameworkAgents({ providerUrl: provider.url, effectsFile: effects.file })
    const { rest } = await createServer({ agents, config: { maxAttempts: 3 } })
    provider.answerWith(refusing(401, chatWire.refusal('invalid_api_key', 'wrong key')))
    const id = await rest.create(key, ASKED)
    const events = await rest.events(`runs/${id}/events`)
    expect(events.map(({ type }) => type)).toEqual(['run.started', 'run.failed'])
    expect(events.at(-1)).toMatchObject({ details: { reason: 'access_denied' } })
    expect(JSON.stringify(events)).not.toContain('wrong key')
  })

  test('is tried again when its provider is overloaded', async ({ createServer, provider, effects }) => {
    const agents = frameworkAgents({ providerUrl: provider.url, effectsFile: effects.file })
    const { rest } = await createServer({ agents, config: { maxAttempts: 2 } })
    provider.answerWith(refusing(503, chatWire.refusal('overloaded', 'later')), talks)
    const id = await rest.create(key, ASKED)
    const events = await rest.events(`runs/${id}/${ALL}`)
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', output: 'It is sunny.' })
    expect(provider.bodies).toHaveLength(2)
  })

  test('closes its connection to the provider when it is cancelled', async ({
    createServer,
    provider,
    effects,
  }) => {
    const agents = frameworkAgents({ providerUrl: provider.url, effectsFile: effects.file })
    const { rest } = await createServer({ agents, config: { cancelGraceSeconds: 10 } })
    provider.answerWith(sending(frames({ said: [{ text: 'It is ' }] }).slice(0, 1), 'open'))
    const id = await rest.create(key, ASKED)
    await (await rest.stream(`runs/${id}/events`)).until('assistant.delta')
    await rest.post(`runs/${id}/cancel`)
    await provider.closed()
    const events = await rest.events(`runs/${id}/events`)
    expect(events.at(-1)?.type).toBe('run.cancelled')
  })

  test('waits for leave, for as long as nothing of it runs, and does what it was allowed once', async ({
    createServer,
    provider,
    effects,
  }) => {
    const agents = frameworkAgents({ providerUrl: provider.url, effectsFile: effects.file })
    const first = await createServer({ agents })
    provider.answerWith(looksUp, sends)
    const id = await first.rest.create(key, ASKED)
    await (await first.rest.stream(`runs/${id}/events`)).until('run.waiting')
    await expect.poll(async () => (await first.rest.get(`runs/${id}`)).body['status']).toBe('waiting')
    await first.runtime.stop()

    const again = frameworkAgents({ providerUrl: provider.url, effectsFile: effects.file })
    const { rest } = await createServer({ agents: again })
    const { body } = await rest.get(`runs/${id}`)
    const [wait] = body['waits'] as { name: string; details: { hash?: unknown } }[]
    provider.answerWith(talks)
    const answered = await rest.post(`runs/${id}/respond`, {
      wait: wait?.name,
      value: approve(wait?.details.hash),
    })
    expect(answered.status).toBe(200)
    const events = await rest.events(`runs/${id}/${ALL}`)
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', output: 'It is sunny.' })
    expect(await effects.all()).toEqual(['look_up Lisbon', 'send Ann'])
    const count = (type: string) => events.filter((event) => event.type === type).length
    expect([count('tool.call'), count('tool.result'), count('usage')]).toEqual([2, 2, 3])
    expect(provider.bodies).toHaveLength(3)
  })

  test('goes on elsewhere when its worker is killed, and repeats no tool that had finished', async ({
    createServer,
    database,
    provider,
    effects,
  }) => {
    const env = { DATABASE_URL: database.url, PROVIDER_URL: provider.url, EFFECTS_FILE: effects.file }
    await using worker = runCli(['worker', entry('frameworks')], { cwd: '.', env })
    const agents = frameworkAgents({ providerUrl: provider.url, effectsFile: effects.file })
    const { rest, runtime } = await createServer({ agents, worker: false })
    const cut = frames({ said: [{ text: 'It might ' }, { text: 'rain.' }] }).slice(0, 1)
    provider.answerWith(looksUp, sending(cut, 'open'), talks)
    const id = await rest.create(key, { ...ASKED, max_attempts: 2 })
    await worker.printed(/Working on/)
    await (await rest.stream(`runs/${id}/events`)).until('assistant.delta')
    await runtime.startWorker()
    worker.killAll('SIGKILL')
    const events = await rest.events(`runs/${id}/${ALL}`)
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', attempt: 2, output: 'It is sunny.' })
    expect(await effects.all()).toEqual(['look_up Lisbon'])
    expect(provider.bodies).toHaveLength(3)
    const count = (type: string) => events.filter((event) => event.type === type).length
    expect([count('tool.call'), count('tool.result'), count('assistant.message')]).toEqual([1, 1, 1])
    const cutOff = events.find(({ content }) => content === 'It might ')
    const retrying = events.find(({ type }) => type === 'run.retrying')
    expect(retrying?.['message_ids']).toEqual([cutOff?.['message_id']])
  })

  test('does nothing more once another has its run', async ({
    createServer,
    database,
    provider,
    effects,
  }) => {
    const agents = frameworkAgents({ providerUrl: provider.url, effectsFile: effects.file })
    const { rest, runtime, log } = await createServer({ agents, config: { cancelGraceSeconds: 10 } })
    const answer = frames({
      said: [{ text: 'Wait.' }, call('look_up', { city: 'Porto' })],
      end: 'tool-calls',
    })
    const isLost = Promise.withResolvers<void>()
    provider.answerWith((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(answer[0])
      void isLost.promise.then(() => response.end(answer.slice(1).join('')))
    }, talks)
    const id = await rest.create(key, ASKED)
    await (await rest.stream(`runs/${id}/events`)).until('assistant.delta')
    await claimAsAnother(database.sql, id)
    isLost.resolve()
    await runtime.stop()
    expect(await effects.all()).toEqual([])
    expect(await database.sql('SELECT name FROM agent_runtime.step WHERE attempt > 1')).toEqual([])
    expect(log.filter(({ level }) => level === 'error')).toEqual([])
  })
})
