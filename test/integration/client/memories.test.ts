import { expect } from 'vitest'
import { createAgentClient } from '../../../client/index.ts'
import { defineAgent } from '../../../server/index.ts'
import { test } from '../../support/runtime.ts'

const keeper = defineAgent({
  key: 'keeper',
  run: (ctx) => ctx.memory('notes').set('city', 'Lisbon'),
})

test('a client lists, reads and deletes the memories of its user', async ({ createServer }) => {
  const { runtime, rest } = await createServer({ agents: [keeper] })
  await rest.events(`runs/${await rest.create('keeper')}/events`)
  const client = createAgentClient<typeof runtime>({
    url: 'http://runtime.test/trpc',
    fetch: (input, init) => runtime.handler(new Request(input, init)),
  })
  const { items } = await client.memories.list({ search: 'lisbon' })
  expect(items).toMatchObject([{ namespace: 'notes', key: 'city', value: 'Lisbon' }])
  const id = String(items[0]?.id)
  expect(await client.memories.get(id)).toEqual(items[0])
  await client.memories.delete(id)
  await expect(client.memories.get(id)).rejects.toMatchObject({ code: 'not_found' })
  expect(await client.memories.list()).toMatchObject({ items: [], count: 0 })
})
