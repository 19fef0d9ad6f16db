import { lookup } from 'node:dns/promises'
import { describe, expect } from 'vitest'
import type { Authorize } from '../../../../server/index.ts'
import { startNameServer } from '../../../support/name-server.ts'
import { test } from '../../../support/runtime.ts'
import { startReceiver } from '../../../support/webhook-receiver.ts'
import { SECRET, PRIVATE, POLL, serve, urlOf } from './caller-webhooks-scene.ts'

describe('where they may go', () => {
  test('nowhere, unless the settings name hosts; runs pay for them only then', async ({
    createServer,
    database,
  }) => {
    await using receiver = await startReceiver()
    const { rest } = await serve(createServer, {})
    const webhooks = [{ url: urlOf(receiver), secret: SECRET }]
    const refused = await rest.post('runs', { agent_key: 'quick', messages: [], webhooks })
    expect([refused.status, refused.body['code']]).toEqual([403, 'forbidden'])
    expect((await rest.post('conversations', { webhooks })).status).toBe(403)
    const enabled = () =>
      database.sql(`SELECT tgenabled::text FROM pg_trigger WHERE tgname = 'note_webhooks'`)
    expect(await database.sql('SELECT FROM agent_runtime.run')).toEqual([])
    const allowing = await serve(createServer)
    await allowing.rest.events(`runs/${await allowing.rest.create('quick')}/events`)
    expect(await enabled()).toEqual([{ tgenabled: 'D' }])
    // The first delivery sends two at once.
    await Promise.all([allowing, allowing].map((server) => server.rest.create('quick', { webhooks })))
    expect(await enabled()).toEqual([{ tgenabled: 'O' }])
    await expect.poll(() => receiver.received.length, POLL).toBe(2)
  })

  test.for<[url: string, webhookHosts: string[], isTaken: boolean]>([
    ['https://hooks.example.com/a', ['hooks.example.com'], true],
    ['https://HOOKS.example.com:8443/a?b', ['hooks.example.com'], true],
    ['https://a.example.com/', ['*.example.com'], true],
    ['https://a.example.com/', ['*'], true],
    ['https://example.com/', ['*.example.com'], false],
    ['https://evilexample.com/', ['*.example.com'], false],
    ['https://hooks.example.com.evil.com/', ['hooks.example.com'], false],
    ['http://hooks.example.com/', ['hooks.example.com'], false],
    ['https://user:pass@hooks.example.com/', ['*'], false],
    ['ftp://hooks.example.com/', ['*'], false],
    ['/hooks', ['*'], false],
  ])('%s, where %j may be told: %s', async ([url, webhookHosts, isTaken], { createServer }) => {
    const { rest } = await serve(createServer, { webhookHosts }, { worker: false })
    const body = { agent_key: 'quick', messages: [], webhooks: [{ url, secret: SECRET }] }
    const { status } = await rest.post('runs', body)
    expect(status).toBe(isTaken ? 201 : 400)
  })

  test('no address that is not public, whatever its name', async ({ createServer }) => {
    await using receiver = await startReceiver()
    const { rest, trpc } = await serve(createServer, { webhookHosts: ['*'] })
    const webhooks = ['127.0.0.1', 'localhost', '[::1]'].map((host) => ({
      url: `https://${host}:${receiver.port}/`,
      secret: SECRET,
    }))
    await rest.create('quick', { webhooks })
    await expect
      .poll(() => trpc.client.webhooks.deliveries.query({}), POLL)
      .toMatchObject({
        items: webhooks.map(() => ({ lastError: expect.stringContaining('not public') as string })),
      })
    expect(receiver.received).toEqual([])
  })

  test('a name that leads to an address that is not public neither, and to one of a named host where that is allowed', async ({
    createServer,
  }) => {
    await using receiver = await startReceiver()
    await using _names = await startNameServer({ 'hooks.example.com': '127.0.0.1' })
    const refusing = await serve(createServer, { webhookHosts: ['*'] })
    const host = `hooks.example.com:${receiver.port}`
    await refusing.rest.create('quick', { webhooks: [{ url: `https://${host}/`, secret: SECRET }] })
    await expect
      .poll(() => refusing.trpc.client.webhooks.deliveries.query({}), POLL)
      .toMatchObject({ items: [{ lastError: expect.stringContaining('not public') as string }] })
    expect(receiver.received).toEqual([])
    await refusing.runtime.stop()
    const allowing = await serve(createServer, {
      webhookHosts: ['hooks.example.com'],
      webhookAllowPrivate: true,
    })
    await allowing.rest.create('quick', { webhooks: [{ url: `http://${host}/`, secret: SECRET }] })
    await expect.poll(() => receiver.received.length, POLL).toBe(1)
  })

  test('hosts whose name servers are silent, while the process finds others', async ({ createServer }) => {
    await using names = await startNameServer()
    const { rest, trpc } = await serve(createServer, { webhookHosts: ['*'] })
    // More than a process has threads for looking up names.
    const hosts = Array.from({ length: 5 }, (_, n) => `h${n}.silent.example`)
    const webhooks = hosts.map((host) => ({ url: `https://${host}/`, secret: SECRET }))
    await rest.create('quick', { webhooks })
    await expect.poll(() => [...names.asked].toSorted(), POLL).toEqual(hosts)
    await expect(lookup('localhost')).resolves.toBeDefined()
    await expect
      .poll(() => trpc.client.webhooks.deliveries.query({}), POLL)
      .toMatchObject({
        items: hosts.map(() => ({ lastError: expect.stringContaining('ETIMEOUT') as string })),
      })
  })

  test('none that the settings do not name any more', async ({ createServer }) => {
    await using receiver = await startReceiver()
    const { rest, runtime } = await serve(createServer, PRIVATE, { worker: false })
    const id = await rest.create('quick', { webhooks: [{ url: urlOf(receiver), secret: SECRET }] })
    await runtime.stop()
    const next = await serve(createServer, { webhookHosts: ['hooks.example.com'] })
    await expect
      .poll(() => next.trpc.client.webhooks.deliveries.query({ runId: id }), POLL)
      .toMatchObject({ items: [{ lastError: 'The settings no longer allow webhooks to its host.' }] })
    expect(receiver.received).toEqual([])
  })

  test('any host at any address is refused at once', async ({ createServer }) => {
    await expect(serve(createServer, { webhookHosts: ['*'], webhookAllowPrivate: true })).rejects.toThrow(
      /WEBHOOK_ALLOW_PRIVATE/,
    )
    await expect(serve(createServer, { webhookHosts: ['https://a.example'] })).rejects.toThrow(
      /WEBHOOK_HOSTS/,
    )
  })

  test('not for visitors, nor where authorize says no', async ({ createServer }) => {
    const authorize: Authorize = ({ id }, action, resource) =>
      action === 'read' ? 'own' : !('kind' in resource) || resource.kind !== 'webhook' || id !== 'bob'
    const { as } = await serve(createServer, PRIVATE, { worker: false, authorize })
    const body = {
      agent_key: 'quick',
      messages: [],
      webhooks: [{ url: 'http://127.0.0.1/', secret: SECRET }],
    }
    const statusFor = async (authorization: string) =>
      (await as({ authorization }).rest.post('runs', body)).status
    expect(await statusFor('eve acme anonymous')).toBe(403)
    expect(await statusFor('bob')).toBe(403)
    expect(await statusFor('ada')).toBe(201)
  })
})
