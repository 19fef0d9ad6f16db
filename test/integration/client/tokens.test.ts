import { expect } from 'vitest'
import { createAgentClient } from '../../../client/index.ts'
import { defineAgent } from '../../../server/index.ts'
import { test } from '../../support/runtime.ts'

test('a stream continues after its token has expired if the client has a new one', async ({
  createServer,
}) => {
  const goOn = Promise.withResolvers<void>()
  const agent = defineAgent({
    key: 'agent',
    async run(ctx) {
      await ctx.emitMessage('before')
      await goOn.promise
      await ctx.emitMessage('after')
      return { output: 'done' }
    },
  })
  let token = 'first'
  const { runtime } = await createServer({
    agents: [agent],
    config: { streamReauthenticateSeconds: 0.05 },
    authenticate: ({ headers }) =>
      headers.get('authorization') === token ? { id: 'ada', tenantId: '', kind: 'user' } : null,
  })
  const streams: (string | null)[] = []
  const client = createAgentClient<typeof runtime>({
    url: 'http://runtime.test/trpc',
    headers: () => ({ authorization: token }),
    reconnect: { initialDelayMs: 1, maxDelayMs: 1 },
    fetch: (input, init) => {
      const request = new Request(input, init)
      if (request.url.includes('runs.events')) streams.push(request.headers.get('authorization'))
      if (streams.length === 2) goOn.resolve()
      return runtime.handler(request)
    },
  })
  const run = await client.runs.create({ agentKey: 'agent' })
  const said: string[] = []
  for await (const event of run.events()) {
    if (event.type !== 'assistant.message') continue
    said.push(event.payload.content)
    token = 'second'
  }
  expect(said).toEqual(['before', 'after'])
  expect(streams).toEqual(['first', 'second'])
  expect(await run.result()).toBe('done')
})
