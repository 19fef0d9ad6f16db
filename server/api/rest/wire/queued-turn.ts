import { z } from 'zod'
import type { MoveTurnRequest, QueuedTurn } from '../../../contract/queued-turn.ts'
import { RunId } from '../../../contract/run.ts'
import { answerSchema, requestSchema } from './named.ts'
import { Time } from './names.ts'

export const RestMoveTurn = requestSchema(
  'MoveTurn',
  z.object({ run_id: RunId, before: RunId.nullish(), after: RunId.nullish() }),
)

export function fromRestMoveTurn(
  conversationId: string,
  { run_id: runId, before, after }: z.output<typeof RestMoveTurn>,
): MoveTurnRequest {
  return { conversationId, runId, ...(before && { before }), ...(after && { after }) }
}

const RestQueuedTurn = answerSchema(
  'QueuedTurn',
  z.object({
    run_id: z.uuid(),
    agent_key: z.string(),
    text: z.string().describe("The beginning of its user's last text."),
    created_at: Time,
  }),
)

export const RestQueue = answerSchema(
  'Queue',
  z.object({ results: z.array(RestQueuedTurn).describe('The next one first.') }),
)

export function toRestQueue(turns: readonly QueuedTurn[]): z.infer<typeof RestQueue> {
  return {
    results: turns.map(({ runId, agentKey, text, createdAt }) => ({
      run_id: runId,
      agent_key: agentKey,
      text,
      created_at: createdAt,
    })),
  }
}
