import { Validator } from '@seriousme/openapi-schema-validator'
import { Hono } from 'hono'
import { describe, expect, vi } from 'vitest'
import { defineAgent } from '../../../../server/index.ts'
import { createRestClient } from '../../../support/rest-client.ts'
import { test } from '../../../support/runtime.ts'
import { proceduresOf, routesOf } from '../access/coverage.ts'

const agent = defineAgent({ key: 'agent', run: async () => ({ output: 1 }) })

interface Operation {
  operationId: string
  'x-procedure'?: string
  responses: Record<string, unknown>
}

interface Document {
  openapi: string
  servers: { url: string }[]
  paths: Record<string, Record<string, Operation>>
}

test('is valid, and the same from the root', async ({ createServer }) => {
  const { rest } = await createServer({ agents: [agent], worker: false })
  const { body } = await rest.get('openapi.json')
  const { valid, errors } = await new Validator().validate(structuredClone(body))
  expect(errors).toBeUndefined()
  expect(valid).toBe(true)
  expect((await rest.get('/openapi.json')).body).toEqual(body)
})

describe('says where the API is', () => {
  const PROXIED = {
    'x-forwarded-proto': 'https, http',
    'x-forwarded-host': 'api.example.com, internal:8080',
    'x-forwarded-prefix': '/ai',
  }

  test.for<[asked: string, headers: Record<string, string>, url: string]>([
    ['/v1/agents/openapi.json', {}, 'http://runtime.test/v1/agents'],
    ['/v1/agents/openapi.json/', {}, 'http://runtime.test/v1/agents'],
    ['/openapi.json', {}, 'http://runtime.test/v1/agents'],
    ['/v1/agents/openapi.json?token=secret', PROXIED, 'https://api.example.com/ai/v1/agents'],
    ['/openapi.json', PROXIED, 'https://api.example.com/ai/v1/agents'],
    // Unknown names change nothing.
    [
      '/openapi.json',
      { 'x-forwarded-host': 'a"b', 'x-forwarded-prefix': '//evil' },
      'http://runtime.test/v1/agents',
    ],
  ])('%s %j', async ([asked, headers, url], { createServer }) => {
    const { rest } = await createServer({
      agents: [agent],
      worker: false,
      config: { restPath: '/v1/agents' },
    })
    const { servers } = (await rest.get(asked, { headers })).body as unknown as Document
    expect(servers).toEqual([{ url }])
  })
})

test('has every route of the app, and no other', async ({ createServer }) => {
  using mounted = vi.spyOn(Hono.prototype, 'route')
  const { rest } = await createServer({ agents: [agent], worker: false })
  const routes = (mounted.mock.contexts as Hono[]).flatMap(routesOf)
  const served = routes.flatMap((route) => {
    const [method, path = ''] = route.split(' ')
    // The page is for people.
    if (path.startsWith('/api/agents/docs')) return []
    return path.startsWith('/api/agents/') ? [`${method} ${path.replace('/api/agents', '')}`] : []
  })
  const { paths } = (await rest.get('openapi.json')).body as unknown as Document
  const documented = Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).map(
      (method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1').replace(/\/$/, '')}`,
    ),
  )
  expect(documented.toSorted()).toEqual([...new Set(served)].toSorted())
})

test('names each operation once', async ({ createServer }) => {
  const { rest } = await createServer({ agents: [agent], worker: false })
  const { paths } = (await rest.get('openapi.json')).body as unknown as Document
  const ids = Object.values(paths).flatMap((operations) =>
    Object.values(operations).map(({ operationId }) => operationId),
  )
  expect(ids).toEqual([...new Set(ids)])
})

test('has an operation for every procedure of the router', async ({ createServer }) => {
  const { runtime } = await createServer({ agents: [agent], worker: false })
  const { paths } = (await createRestClient(runtime.handler).get('openapi.json')).body as unknown as Document
  const named = new Set(
    Object.values(paths).flatMap((operations) =>
      Object.values(operations).map((operation) => operation['x-procedure']),
    ),
  )
  expect(proceduresOf(runtime.router).filter((procedure) => !named.has(procedure))).toEqual([])
})
