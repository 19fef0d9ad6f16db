// What frontends fill their menus with: agents, models, and systems, which a runtime does not have.
import { expect } from 'vitest'
import { z } from 'zod'
import { defineAgent, ownersOnly } from '../../../../server/index.ts'
import type { Authorize } from '../../../../server/index.ts'
import { createScriptedModel } from '../../../../server/models/scripted.ts'
import { test } from '../../../support/runtime.ts'

const agents = [
  defineAgent({
    key: 'weather',
    description: 'Tells the weather.',
    params: z.object({ city: z.string() }),
    run: async () => {},
  }),
  defineAgent({ key: 'chat', run: async () => {} }),
  // Its params have no JSON form.
  defineAgent({ key: 'odd', params: z.custom<Date>(), run: async () => {} }),
] as const

const NAMED = (key: string) => ({ key, id: key, slug: key, name: key })

test('agents, with the schemas of their params', async ({ createServer }) => {
  const { rest, trpc } = await createServer({ agents, worker: false })
  const params = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
  expect((await rest.get('agents')).body).toEqual([
    { ...NAMED('chat'), description: '', params: null },
    { ...NAMED('odd'), description: '', params: null },
    { ...NAMED('weather'), description: 'Tells the weather.', params },
  ])
  expect(await trpc.client.agents.list.query()).toEqual([
    { key: 'chat', description: null, params: null },
    { key: 'odd', description: null, params: null },
    { key: 'weather', description: 'Tells the weather.', params },
  ])
})

test.for([
  ['true or false', (key: string) => key !== 'odd', ['chat', 'weather']],
  ['nothing', () => undefined, []],
  ['something else', () => 'yes', []],
] as const)('agents that `authorize` answers %s about', async ([, answer, keys], { createServer }) => {
  const authorize = (...asked: Parameters<Authorize>) =>
    asked[1] === 'listAgents' ? answer(asked[2].agentKey) : ownersOnly(...asked)
  const { trpc } = await createServer({ agents, worker: false, authorize: authorize as Authorize })
  expect((await trpc.client.agents.list.query()).map(({ key }) => key)).toEqual(keys)
})

test('models that are known by name, the default first', async ({ createServer }) => {
  const { rest } = await createServer({
    agents,
    worker: false,
    model: createScriptedModel([], { provider: 'acme', name: 'large' }),
    models: { other: createScriptedModel([], { name: 'small' }), made: () => createScriptedModel([]) },
  })
  const about = { description: '', supports_thinking: false }
  expect((await rest.get('models')).body).toEqual({
    models: [
      { id: 'acme/large', provider: 'acme', name: 'large', ...about },
      { id: 'other/small', provider: 'other', name: 'small', ...about },
    ],
    default: 'acme/large',
  })
  expect((await rest.get('systems')).body).toEqual([])
})
