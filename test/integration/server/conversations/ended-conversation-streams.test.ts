import { describe, expect } from 'vitest'
import { createHeldAgent } from '../../../support/held-agent.ts'
import type { RestEvent } from '../../../support/rest-client.ts'
import { test } from '../../../support/runtime.ts'
import { echo, say, createConversation, told, whole } from './conversation-stream-scene.ts'

async function untilEnd(stream: { next(): Promise<RestEvent | undefined> }): Promise<void> {
  while ((await stream.next()) !== undefined);
}

describe('the stream ends', () => {
  test('when the conversation is deleted, at every server', async ({ createServer }) => {
    const held = createHeldAgent()
    const server = await createServer({ agents: [held.agent] })
    const other = await createServer({ agents: [held.agent], worker: false })
    const { id, path, ask } = await createConversation(server)
    await ask('one', 'held')
    await held.attempt(0)
    const streams = await Promise.all([server.rest.stream(path), other.rest.stream(path)])
    const refusal = new Promise<unknown>((resolve) => {
      other.trpc.client.conversations.events.subscribe({ conversationId: id }, { onError: resolve })
    })
    for (const stream of streams) await stream.until('run.started')
    expect((await server.rest.request('DELETE', `conversations/${id}`)).status).toBe(204)
    for (const stream of streams) await expect(untilEnd(stream)).rejects.toThrow('There is no conversation')
    expect(await refusal).toMatchObject({ data: { error: { code: 'not_found' } } })
    expect((await other.rest.get(path)).status).toBe(404)
  })

  test('when a visitor’s session is claimed, and goes on for the user from where it was', async ({
    createServer,
  }) => {
    const server = await createServer({
      agents: [echo],
      anonymousSessions: true,
      authenticate: (request) =>
        request.headers.get('x-user') === 'ada' ? { id: 'ada', tenantId: '', kind: 'user' } : null,
      config: { streamReauthenticateSeconds: 0.05 },
    })
    const { token } = await server.runtime.sessions.create()
    const [visitor, ada] = [server.as({ 'x-anonymous-token': token }), server.as({ 'x-user': 'ada' })]
    const { id, path, ask } = await createConversation(visitor)
    await ask('one')
    const stream = await visitor.rest.stream(path)
    const last = (await stream.until('run.succeeded')).at(-1)
    expect((await ada.rest.post('sessions/claim', { token })).status).toBe(200)
    expect(await stream.next()).toBeUndefined()
    const second = await ada.rest.create('echo', { conversation_id: id, ...say('two') })
    const again = await ada.rest.stream(path, { headers: { 'last-event-id': last?.cursor ?? '' } })
    expect(told(await again.until('run.succeeded'))).toEqual(whole(second))
    await again.close()
    expect((await visitor.rest.get(path)).status).toBe(401)
  })

  test('when its server stops, for its reader to go elsewhere', async ({ createServer }) => {
    const server = await createServer({ agents: [echo] })
    const other = await createServer({ agents: [echo], worker: false })
    const { path, ask } = await createConversation(server)
    const stream = await other.rest.stream(path)
    await ask('one')
    const [created] = await stream.until('run.succeeded')
    await other.runtime.stop()
    expect(await stream.next()).toBeUndefined()
    const { body } = await server.rest.get(`${path}?after=${created?.cursor}`)
    expect(body['results']).toHaveLength(3)
  })
})
