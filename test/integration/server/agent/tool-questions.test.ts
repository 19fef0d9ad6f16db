import { describe, expect, vi } from 'vitest'
import { createScriptedModel } from '../../../../server/models/scripted.ts'
import type { Json } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'
import { config, agentOf, call, toolOf, DEBUG } from './tool-scene.ts'
import type { Waiting } from './tool-scene.ts'

describe('a tool that asks', () => {
  const schema = { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] }

  test('waits for the answers, and is run anew with each, while others beside it end', async ({
    createServer,
  }) => {
    let tries = 0
    let others = 0
    const slow = Promise.withResolvers<void>()
    const asking = toolOf(async ({ ask }) => {
      tries += 1
      slow.resolve()
      // The attempt ends, whatever the tool does about it.
      const answers = [await ask({ schema, details: 'First?' }).catch(() => 'caught'), await ask({ schema })]
      return answers as Json
    })
    const other = toolOf(
      async () => {
        await slow.promise
        others += 1
        return others
      },
      { name: 'other' },
    )
    const model = createScriptedModel([
      {
        toolCalls: [
          { name: 'act', arguments: {} },
          { name: 'other', arguments: {} },
        ],
      },
      { text: 'Well.' },
    ])
    const { rest } = await createServer({ agents: [agentOf([asking, other])], model, config })
    const id = await rest.create('agent')
    const waitOf = async (n: number) => {
      await vi.waitFor(async () => {
        const waits = (await rest.get(`runs/${id}`)).body['waits'] as Waiting[]
        expect(waits.map(({ name }) => name)).toEqual([
          expect.stringMatching(new RegExp(`^ask:act:.*:${n}$`)),
        ])
      })
      return ((await rest.get(`runs/${id}`)).body['waits'] as Waiting[])[0]?.name ?? ''
    }
    const first = await waitOf(1)
    expect(await rest.post(`runs/${id}/respond`, { wait: first, value: 1 })).toMatchObject({ status: 400 })
    await rest.post(`runs/${id}/respond`, { wait: first, value: { n: 1 } })
    await rest.post(`runs/${id}/respond`, { wait: await waitOf(2), value: { n: 2 } })
    const events = await rest.events(`runs/${id}/${DEBUG}`)
    const answered = (n: number) => ({
      status: 'answered',
      value: { n },
      respondedBy: expect.any(String) as string,
    })
    expect(events.filter(({ type }) => type === 'tool.result').map((event) => event['result'])).toEqual([
      [answered(1), answered(2)],
      1,
    ])
    expect(tries).toBe(3)
  })

  test('is told where answers can not be checked by its schema, and the run goes on', async ({
    createServer,
  }) => {
    const tool = toolOf(async ({ ask }) => (await ask({ schema: { type: 'object', if: {} } })).status)
    const model = createScriptedModel([call('act'), { text: 'x' }])
    const { rest } = await createServer({ agents: [agentOf([tool])], model })
    const id = await rest.create('agent')
    const stream = await rest.stream(`runs/${id}/${DEBUG}`)
    const ended = async (): Promise<string | undefined> => {
      const event = await stream.next()
      return /^run\.(waiting|succeeded)$/.test(event?.type ?? '') ? event?.type : ended()
    }
    expect(await ended()).toBe('run.succeeded')
    expect(model.requests[1]?.messages.at(-1)?.content).toMatch(/schema of a question .* can't be checked/)
  })

  test('is refused where its replay is ask', async ({ createServer }) => {
    const tool = toolOf(async ({ ask }) => (await ask({ schema })).status, { replay: 'ask' })
    const model = createScriptedModel([call('act'), { text: 'x' }])
    const { rest } = await createServer({ agents: [agentOf([tool])], model })
    const id = await rest.create('agent')
    const events = await rest.events(`runs/${id}/${DEBUG}`)
    expect(events.find(({ type }) => type === 'tool.result')).toMatchObject({
      result: { error: 'The tool "act" has a question, and nobody can be asked.' },
    })
  })
})
