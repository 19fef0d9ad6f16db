// A long conversation harms only itself: runs that are claimed together with one of its runs continue.
import { describe, expect } from 'vitest'
import { defineAgent, textOf } from '../../../../server/index.ts'
import type { Message } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'

/** Calls a tool in each run. It remembers what it was given: the role and the first word of each message. */
function createClerk() {
  const given: string[][] = []
  const clerk = defineAgent({
    key: 'clerk',
    async run(ctx) {
      const told = ctx.messages.map((message) => ({
        role: message.role,
        name: textOf(message).split(' ', 1)[0] ?? '',
      }))
      given.push(told.map(({ role, name }) => `${role} ${name}`))
      const name = told.at(-1)?.name ?? ''
      const messages: Message[] = [
        { role: 'assistant', content: `${name} `, toolCalls: [{ id: name, name: 'look', arguments: {} }] },
        { role: 'tool', toolCallId: name, content: `${name} ` },
      ]
      return { messages }
    },
  })
  return { clerk, given }
}

const said = (name: string | number) => [`user ${name}`, `assistant ${name}`, `tool ${name}`]

interface Case {
  what: string
  /** One of the messages has that size. */
  mb: number[]
  /** The runs whose messages an agent gets. */
  kept: number[]
  isCompressed?: boolean
  character?: number
}

const Mb = 1_000_000

describe('a long conversation', () => {
  test.for([
    { what: 'more than jsonb can hold', mb: [45, 45, 45, 45, 45, 45], kept: [] },
    { what: 'the newest of which fit', mb: [4, 4, 20, 13, 4, 13], kept: [4, 5, 6] },
    {
      what: 'the newest of which fit, stored as they are',
      isCompressed: false,
      mb: [4, 4, 20, 13, 4, 13],
      kept: [4, 5, 6],
    },
    // Each takes six bytes in JSON.
    {
      what: 'the newest of which fit, of control characters',
      character: 1,
      mb: [2, 2, 2, 2, 2, 2],
      kept: [5, 6],
    },
    { what: 'all of which fits', mb: [4, 4, 4, 4, 4, 4], kept: [1, 2, 3, 4, 5, 6] },
  ] satisfies Case[])(
    '$what',
    { timeout: 120_000 },
    async ({ isCompressed = true, character = 120, mb, kept }, { createServer, database }) => {
      const { clerk, given } = createClerk()
      if (!isCompressed)
        await database.sql('ALTER TABLE agent_runtime.message ALTER body SET STORAGE EXTERNAL')
      const before = await createServer({ agents: [clerk] })
      const conversationId = (await before.rest.post('conversations', {})).body['id']
      const speak = ({ rest }: typeof before, name: string | number) =>
        rest.create('clerk', {
          conversation_id: conversationId,
          messages: [{ role: 'user', content: `${name} ` }],
        })
      for (const [index, size] of mb.entries()) {
        const runId = await speak(before, index + 1)
        await before.rest.events(`runs/${runId}/events`)
        await database.sql(
          `UPDATE agent_runtime.message
         SET body = jsonb_set(body, '{content}', to_jsonb('${index + 1} ' || repeat(chr(${character}), ${size * Mb})))
         WHERE run_id = $1 AND body ->> 'role' = 'tool'`,
          [runId],
        )
      }
      await before.runtime.stop()
      given.length = 0

      const server = await createServer({ agents: [clerk], worker: false })
      const runIds = [
        await server.rest.create('clerk', { messages: [{ role: 'user', content: 'other ' }] }),
        await speak(server, 'now'),
      ]
      await server.runtime.startWorker()
      for (const id of runIds) {
        await server.rest.events(`runs/${id}/events`)
        expect((await server.rest.get(`runs/${id}`)).body).toMatchObject({ status: 'succeeded', attempt: 1 })
      }
      expect(new Set(given)).toEqual(new Set([['user other'], [...kept.flatMap(said), 'user now']]))
      const cut = server.log.filter(({ message }) => message.includes('longer than an agent is given'))
      expect(cut).toHaveLength(kept.length < mb.length ? 1 : 0)
    },
  )
})
