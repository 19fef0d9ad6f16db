import type { ServerResponse } from 'node:http'
import { expect } from 'vitest'
import { test } from '../../../support/runtime.ts'
import { startReceiver } from '../../../support/webhook-receiver.ts'
import { SECRET, POLL, serve, urlOf } from './caller-webhooks-scene.ts'

test('one whose endpoint hangs holds up nobody else', async ({ createServer }) => {
  await using hanging = await startReceiver(...Array.from({ length: 30 }, () => () => {}))
  await using receiver = await startReceiver()
  const { rest, as } = await serve(createServer)
  await Promise.all(
    Array.from({ length: 30 }, () =>
      rest.create('quick', { webhooks: [{ url: urlOf(hanging), secret: SECRET }] }),
    ),
  )
  await expect.poll(() => hanging.received.length, POLL).toBeGreaterThan(0)
  await as({ authorization: 'bob' }).rest.create('quick', {
    webhooks: [{ url: urlOf(receiver), secret: SECRET }],
  })
  await expect.poll(() => receiver.received.length, POLL).toBe(1)
  // At most ten of one owner are sent at once.
  expect(hanging.received.length).toBeLessThanOrEqual(10)
})

test('a delivery arrives while the endpoints of 200 others hang', async ({ createServer }) => {
  const others = 200
  let givenUp = 0
  const hang = (response: ServerResponse) => void response.on('close', () => (givenUp += 1))
  await using hanging = await startReceiver(...Array.from({ length: 4 * others }, () => hang))
  await using receiver = await startReceiver()
  const { as } = await serve(createServer)
  const createAs = (id: string, { port }: { port: number }) =>
    as({ authorization: id }).rest.create('quick', { webhooks: [{ url: urlOf({ port }), secret: SECRET }] })
  await Promise.all(Array.from({ length: others }, (_, n) => createAs(`other-${n}`, hanging)))
  await expect.poll(() => hanging.received.length, { timeout: 60_000 }).toBe(others)
  await createAs('bob', receiver)
  await expect.poll(() => receiver.received.length, { ...POLL, interval: 10 }).toBe(1)
  // The time of the first ones may be over by now.
  expect(givenUp).toBeLessThan(others / 2)
})

test('an endpoint that hung is told of one thing at a time, until it answers', async ({ createServer }) => {
  const open: ServerResponse[] = []
  const hang = (response: ServerResponse) => void open.push(response)
  await using hanging = await startReceiver(hang, hang)
  await using receiver = await startReceiver()
  const { rest, as, trpc } = await serve(createServer)
  const webhooks = [{ url: urlOf(hanging), secret: SECRET }]
  await rest.create('quick', { webhooks })
  await expect.poll(() => open.length, POLL).toBe(1)
  // Longer than the time in which an endpoint counts as quick.
  setTimeout(() => open[0]?.destroy(), 1_500)
  await expect
    .poll(() => trpc.client.webhooks.deliveries.query({}), POLL)
    .toMatchObject({ items: [{ lastStatus: null, lastError: expect.any(String) as string }] })
  await Promise.all(Array.from({ length: 5 }, () => rest.create('quick', { webhooks })))
  await expect.poll(() => open.length, POLL).toBe(2)
  const bobs = [{ url: urlOf(receiver), secret: SECRET }]
  await as({ authorization: 'bob' }).rest.create('quick', { webhooks: bobs })
  await expect.poll(() => receiver.received.length, POLL).toBe(1)
  expect(hanging.received).toHaveLength(2)
  open[1]?.writeHead(204).end()
  await expect.poll(() => hanging.received.length, POLL).toBe(7)
})
