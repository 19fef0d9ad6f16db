import { z } from 'zod'
import { defineAgent, defineTool, textOf, toolLoop } from '../../../../server/index.ts'
import type { AgentMessage, Model } from '../../../../server/index.ts'
import type { CreateServer } from '../../../support/runtime.ts'

/** Time for upkeep to do the work that nobody else did, on a slow machine. */
export const WITHIN = { timeout: 30_000 }

export const ALL = 'events?include_all=1'

/** A gate in an agent. The agent waits there until it is opened. */
export interface Gate {
  readonly come: Promise<void>
  open(): void
  pass(): Promise<void>
}

export function createGate(): Gate {
  const come = Promise.withResolvers<void>()
  const go = Promise.withResolvers<void>()
  return {
    come: come.promise,
    open: go.resolve,
    async pass() {
      come.resolve()
      await go.promise
    },
  }
}

const said = (messages: readonly AgentMessage[]) =>
  messages.filter(({ role }) => role === 'user').map((message) => textOf(message))

/**
 * Asks its model, which calls a tool that waits at the gate, and asks it again. Its answer has all that the
 * user had said by then.
 */
export function createChat(gate: Gate, more: { failsFirst?: boolean; modelFailsAt?: number } = {}) {
  const asked: string[][] = []
  const model: Model = {
    name: 'echo',
    provider: 'test',
    async *stream({ messages }) {
      asked.push(said(messages))
      if (asked.length === more.modelFailsAt) throw new Error('The model is away.')
      const hasLooked = messages.findLast(({ role }) => role !== 'user')?.role === 'tool'
      if (hasLooked) yield { type: 'text', text: said(messages).join(' | ') }
      else yield { type: 'tool-call', toolCall: { id: 'call', name: 'look', arguments: {} } }
      const usage = { inputTokens: 1, outputTokens: 1 }
      yield { type: 'finish', reason: hasLooked ? 'stop' : 'tool-calls', usage }
    },
  }
  const look = defineTool({
    name: 'look',
    description: 'Looks.',
    input: z.object({}),
    async execute() {
      await gate.pass()
      return 'seen'
    },
  })
  const chat = defineAgent({
    key: 'chat',
    maxAttempts: 3,
    async run(ctx) {
      const reply = await toolLoop(ctx, { tools: [look] })
      if (more.failsFirst === true && ctx.attempt === 1) throw new Error('It dies after it has read.')
      return { output: reply.text, messages: reply.messages }
    },
  })
  return { chat, model, asked }
}

/**
 * Two servers, one with a worker, and a run of the chat that waits at its gate. When the gate opens, it asks
 * its model again.
 */
export async function chatAtGate(createServer: CreateServer, more: Parameters<typeof createChat>[1] = {}) {
  const gate = createGate()
  const { chat, model, asked } = createChat(gate, more)
  const one = await createServer({ agents: [chat], model })
  const two = await createServer({ agents: [chat], model, worker: false })
  const { body } = await one.rest.post('runs', { agent_key: 'chat', ...begin('Weather?') })
  await gate.come
  const [id, conversation] = [String(body['id']), String(body['conversation_id'])]
  return { gate, asked, one, two, rest: one.rest, id, conversation, steered: steeringIn(conversation) }
}

/** The messages of a conversation that were sent to the run under way. */
export const steeringIn =
  (conversation: string, agentKey = 'chat') =>
  (content: string, more: object = {}) => ({
    agent_key: agentKey,
    conversation_id: conversation,
    conversation_policy: 'steer',
    messages: [{ role: 'user', content }],
    ...more,
  })

export const begin = (content: string) => ({ conversation: 'new', messages: [{ role: 'user', content }] })

/** The runs succeed without telling anybody, like when a process dies right after. */
export async function endSilently(
  database: { sql(text: string): Promise<unknown> },
  ...runIds: readonly string[]
): Promise<void> {
  const ids = runIds.map((id) => `'${id}'`).join()
  await database.sql(`
    WITH ended AS (
      UPDATE agent_runtime.run SET status = 'succeeded', gate = NULL, turn = NULL, finished_at = now(), last_seq = last_seq + 1
      WHERE id IN (${ids})
      RETURNING *
    )
    INSERT INTO agent_runtime.event (run_id, seq, attempt, type, visibility, payload, ts)
    SELECT id, last_seq, attempt, 'run.succeeded', 'user', '{"output":null}', now() FROM ended`)
}
