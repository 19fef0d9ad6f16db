// The page for browsing the API, loaded like a browser does.
import { expect } from 'vitest'
import { defineAgent } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'

const agent = defineAgent({ key: 'agent', run: async () => {} })

test.for([
  ['/docs', './api/agents/docs/'],
  ['/docs/', '../api/agents/docs/'],
  ['/api/agents/docs', 'docs/'],
] as const)('is found from %s, below whichever path', async ([asked, location], { createServer }) => {
  const { rest } = await createServer({ agents: [agent], worker: false, authenticate: () => null })
  const answer = await rest.send(asked, {})
  expect([answer.status, answer.headers.get('location')]).toEqual([302, location])
  const there = new URL(location, `https://api.example.com/ai${asked}`)
  expect(there.href).toBe('https://api.example.com/ai/api/agents/docs/')
})

test('loads what lies beside it, and nothing from elsewhere', async ({ createServer }) => {
  const { rest } = await createServer({ agents: [agent], worker: false, authenticate: () => null })
  const answer = await rest.send('/api/agents/docs/', {})
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
  const policy = answer.headers.get('content-security-policy') ?? ''
  expect(policy).toContain("default-src 'none'; script-src 'self'; style-src")
  expect(policy).toContain("frame-ancestors 'none'")
  const page = await answer.text()
  const links = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].flatMap(([, link = '']) =>
    link === 'data:,' ? [] : [link],
  )
  expect(links).toHaveLength(5)
  for (const link of links) {
    expect(link).not.toMatch(/^(\w+:|\/)/)
    const { pathname } = new URL(link, 'http://runtime.test/api/agents/docs/')
    expect([link, (await rest.send(pathname, {})).status]).toEqual([link, 200])
  }
})

test.for(['..%2f..%2fpackage.json', 'package.json', 'swagger-ui.js.map', '__proto__'])(
  'hands out no other file: %s',
  async (name, { createServer }) => {
    const { rest } = await createServer({ agents: [agent], worker: false })
    expect((await rest.get(`/api/agents/docs/assets/${name}`)).status).toBe(404)
  },
)
