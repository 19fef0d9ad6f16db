// The deliveries of a caller's webhooks, through the client.
import { expect } from 'vitest'
import { createAgentClient } from '../../../client/index.ts'
import { defineAgent } from '../../../server/index.ts'
import type { AgentRuntime, ShapeOfAgent } from '../../../server/index.ts'
import { hostRuntimes } from '../../support/node-host.ts'
import { test } from '../../support/runtime.ts'
import { secretOf, startReceiver } from '../../support/webhook-receiver.ts'

const echo = defineAgent({ key: 'echo', run: async () => ({ output: 'done' }) })
type Runtime = AgentRuntime<ShapeOfAgent<typeof echo>>
const POLL = { timeout: 20_000 }

test('deliveries are listed, read and sent again', async ({ createServer }) => {
  await using receiver = await startReceiver()
  const { runtime } = await createServer({
    agents: [echo],
    config: { webhookHosts: ['127.0.0.1'], webhookAllowPrivate: true },
  })
  await using host = await hostRuntimes(runtime)
  const { runs, webhooks } = createAgentClient<Runtime>({ url: `${host.url}/trpc`, transport: 'sse' })
  const url = `http://127.0.0.1:${receiver.port}/`
  const { id: runId } = await runs.create({ agentKey: 'echo', webhooks: [{ url, secret: secretOf('a') }] })
  expect(await webhooks.list({ runId })).toMatchObject([{ url, runId }])
  await expect
    .poll(() => webhooks.deliveries({ runId }), POLL)
    .toMatchObject({ items: [{ status: 'delivered', lastStatus: 204 }] })
  const [delivery] = (await webhooks.deliveries()).items
  const deliveryId = delivery?.id ?? ''
  expect(await webhooks.delivery(deliveryId)).toMatchObject({ answers: [{ status: 204, error: null }] })
  expect(await webhooks.redeliver(deliveryId)).toMatchObject({ id: deliveryId, deliveredAt: null })
  await expect
    .poll(() => webhooks.delivery(deliveryId), POLL)
    .toMatchObject({ attempts: 2, status: 'delivered' })
  await expect(webhooks.delivery(runId)).rejects.toMatchObject({ code: 'not_found' })
})
