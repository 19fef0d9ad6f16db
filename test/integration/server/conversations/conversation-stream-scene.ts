import { defineAgent, textOf } from '../../../../server/index.ts'
import type { RestEvent } from '../../../support/rest-client.ts'
import type { TestServer } from '../../../support/runtime.ts'

export const echo = defineAgent({
  key: 'echo',
  async run(ctx) {
    const last = ctx.messages.findLast(({ role }) => role === 'user')
    const content = `You said ${last === undefined ? 'nothing' : textOf(last)}.`
    await ctx.emitMessage(content)
    return { messages: [{ role: 'assistant', content }] }
  },
})

export const say = (content: string) => ({ messages: [{ role: 'user', content }] })

export async function createConversation({ rest }: Pick<TestServer, 'rest'>) {
  const { body } = await rest.post('conversations', {})
  const id = String(body['id'])
  return {
    id,
    path: `conversations/${id}/events`,
    /** Creates a run of `echo`, or of another agent. */
    ask: (content: string, agentKey = 'echo', more = {}) =>
      rest.create(agentKey, { conversation_id: id, ...say(content), ...more }),
  }
}

export const told = (events: readonly RestEvent[]) => events.map(({ run_id: runId, type }) => [runId, type])

export const whole = (runId: string) => [
  [runId, 'run.created'],
  [runId, 'run.started'],
  [runId, 'assistant.message'],
  [runId, 'run.succeeded'],
]
