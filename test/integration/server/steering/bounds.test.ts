// How much may be sent to a run, and when it reads that.
import { expect } from 'vitest'
import { defineAgent, textOf } from '../../../../server/index.ts'
import { PUBLIC_PRINCIPAL } from '../../../../server/contract/principal.ts'
import { test } from '../../../support/runtime.ts'
import { ALL, begin, createGate, WITHIN } from './scene.ts'

const LATER = { run_at: '2999-01-01T00:00:00Z' }
const KIB = 1_024

test('what a run has not read is bounded in bytes, and so is what it is sent in all; what it took it answers with', async ({
  createServer,
}) => {
  const gates = Array.from({ length: 6 }, createGate)
  const reader = defineAgent({
    key: 'reader',
    async run(ctx) {
      const messages = []
      for (const gate of gates) {
        await gate.pass()
        messages.push(...(await ctx.takeMessages()))
      }
      return { messages, output: messages.length }
    },
  })
  const { rest } = await createServer({ agents: [reader] })
  const id = await rest.create('reader', begin('Read.'))
  const send = (kib: number) => rest.post(`runs/${id}/messages`, { message: 'x'.repeat(kib * KIB) })
  for (const [index, gate] of gates.entries()) {
    await gate.come
    if (index < 4) {
      expect((await send(1_020)).status).toBe(201)
      expect(await send(8)).toMatchObject({ status: 429, body: { details: { unread: 1 } } })
    }
    if (index === 4) {
      expect(await send(100)).toMatchObject({ status: 409, body: { code: 'conflict' } })
      expect((await send(1)).status).toBe(201)
    }
    gate.open()
  }
  expect((await rest.events(`runs/${id}/${ALL}`)).at(-1)).toMatchObject({ type: 'run.succeeded', output: 5 })
})

test('one message has 1 MiB at most', async ({ createServer }) => {
  const chat = defineAgent({ key: 'chat', run: async () => {} })
  const { rest } = await createServer({ agents: [chat], worker: false, config: { maxBodyBytes: 4_000_000 } })
  const id = await rest.create('chat', { ...begin('Later'), ...LATER })
  expect(await rest.post(`runs/${id}/messages`, { message: 'x'.repeat(KIB * KIB) })).toMatchObject({
    status: 413,
    body: { code: 'payload_too_large' },
  })
})

test('a run that was sent all that one may be takes no more: another one does', async ({
  createServer,
  database,
}) => {
  const chat = defineAgent({ key: 'chat', run: async () => {} })
  const { rest } = await createServer({ agents: [chat], worker: false })
  const id = await rest.create('chat', { ...begin('Later'), ...LATER })
  await database.sql(`UPDATE agent_runtime.run SET sent = 10000 WHERE id = '${id}'`)
  expect(await rest.post(`runs/${id}/messages`, { message: 'More' })).toMatchObject({
    status: 409,
    body: {
      code: 'conflict',
      error: 'The run was sent as many messages as one run may get: create another.',
    },
  })
})

test('taking messages by hand also takes those without a hint yet', async ({ createServer }) => {
  const send = Promise.withResolvers<(runId: string) => Promise<unknown>>()
  const reader = defineAgent({
    key: 'reader',
    async run(ctx) {
      await (
        await send.promise
      )(ctx.runId)
      return { output: (await ctx.takeMessages()).map((message) => textOf(message)) }
    },
  })
  const { rest, runtime } = await createServer({ agents: [reader] })
  send.resolve((runId) => runtime.runs.send(PUBLIC_PRINCIPAL, { runId, message: 'Now' }))
  const id = await rest.create('reader', begin('Read.'))
  await expect.poll(async () => (await rest.get(`runs/${id}`)).body['status'], WITHIN).toBe('succeeded')
  expect((await rest.events(`runs/${id}/${ALL}`)).at(-1)).toMatchObject({ output: ['Now'] })
})
