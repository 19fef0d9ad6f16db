import { describe, expect } from 'vitest'
import { defineAgent } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'

const agent = defineAgent({
  key: 'agent',
  async run(ctx) {
    await ctx.emitMessage('one')
    await ctx.emitMessage('two')
  },
})

describe('events', () => {
  test.for([
    ['application/json', 'json'],
    ['application/json, text/plain, */*', 'json'],
    ['text/event-stream;q=0.5, application/json', 'json'],
    ['application/json, text/event-stream', 'json'],
    ['application/*', 'json'],
    ['text/event-stream', 'stream'],
    ['text/event-stream, application/json;q=0.9', 'stream'],
    ['application/json;q=0.1, text/event-stream;q=0.2', 'stream'],
    ['application/json;q=0', 'stream'],
    ['application/jsonp', 'stream'],
    ['*/*', 'stream'],
    ['', 'stream'],
  ])('are answered to Accept: %s as %s', async ([accept, expected], { createServer }) => {
    const { rest } = await createServer({ agents: [agent] })
    const id = await rest.create('agent')
    const response = await rest.send(`runs/${id}/events`, { headers: { accept: accept ?? '' } })
    await response.body?.cancel()
    const type = response.headers.get('content-type') ?? ''
    expect(type).toContain(expected === 'json' ? 'application/json' : 'text/event-stream')
  })
})

describe('links to other pages', () => {
  const EXPECTED = 'https://api.example.com/agents'

  test('lead where the caller found this one, and carry nothing that authenticates', async ({
    createServer,
  }) => {
    const { rest } = await createServer({ agents: [agent], worker: true })
    const ids = [await rest.create('agent'), await rest.create('agent'), await rest.create('agent')]
    for (const id of ids) await rest.events(`runs/${id}/events`)
    await rest.post('conversations', {})
    await rest.post('conversations', {})
    const secrets = 'token=secret&anonymous_token=secret&access_token=secret'
    const headers = {
      'x-forwarded-proto': 'https, http',
      'x-forwarded-host': 'api.example.com, internal:8080',
      'x-forwarded-prefix': '/agents',
    }
    for (const path of [
      'runs?limit=1&agent_key=agent',
      'conversations?limit=1',
      `runs/${ids[0]}/events?limit=1`,
    ]) {
      const { body } = await rest.get(`${path}&${secrets}`, { headers })
      const next = new URL(String(body['next']))
      expect(next.href).toContain(`${EXPECTED}/api/agents/${path.split('?')[0]}?`)
      expect(next.href).not.toContain('secret')
      expect(next.searchParams.get('limit')).toBe('1')
      if (path.startsWith('runs?')) expect(next.searchParams.get('agent_key')).toBe('agent')
      // The proxy removes the header that it added.
      const page = await rest.get(next.pathname.replace('/agents', '') + next.search, { headers })
      expect(page.body['results']).toHaveLength(1)
      expect(page.body['results']).not.toEqual(body['results'])
    }
  })

  test('are as they were asked for where nothing is in between, and where what says so makes no sense', async ({
    createServer,
  }) => {
    const { rest } = await createServer({ agents: [agent], worker: false })
    await rest.create('agent')
    await rest.create('agent')
    for (const headers of [
      {},
      {
        'x-forwarded-proto': 'javascript',
        'x-forwarded-host': 'a b',
        'x-forwarded-prefix': '//evil.example',
      },
    ] as Record<string, string>[]) {
      const { body } = await rest.get('runs?limit=1', { headers })
      expect(String(body['next'])).toMatch(/^http:\/\/runtime\.test\/api\/agents\/runs\?/)
    }
  })
})
