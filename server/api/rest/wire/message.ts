import { z } from 'zod'
import { WrittenChatMessage, toChatMessage } from '../../../contract/chat-message.ts'
import type { HistoryMessage, StoredMessage } from '../../../contract/message.ts'
import { answerSchema } from './named.ts'
import { Time } from './names.ts'

/** The identifying fields of a message. Its time has the name that clients of the Python system expect. */
const KEPT = {
  id: z.string(),
  run_id: z.uuid(),
  timestamp: Time,
  incomplete: z
    .literal(true)
    .optional()
    .describe('The message is incomplete, because its run failed, timed out or was cancelled.'),
}

/** A stored message. */
export type RestMessage = z.infer<typeof RestMessage>
export const RestMessage = answerSchema('StoredMessage', z.intersection(WrittenChatMessage, z.object(KEPT)))

export function toRestMessage(message: StoredMessage): RestMessage {
  const { id, runId, createdAt, incomplete } = message
  return {
    id,
    ...toChatMessage(message),
    run_id: runId,
    timestamp: createdAt,
    ...(incomplete && { incomplete }),
  }
}

/** A message of a conversation, which is a tree of them. */
export type RestHistoryMessage = z.infer<typeof RestHistoryMessage>
export const RestHistoryMessage = answerSchema(
  'HistoryMessage',
  z.intersection(
    WrittenChatMessage,
    z.object({ ...KEPT, parent_id: z.string().nullable(), siblings: z.array(z.string()).optional() }),
  ),
)

export function toRestHistoryMessage(message: HistoryMessage): RestHistoryMessage {
  const { parentId, siblings } = message
  return { ...toRestMessage(message), parent_id: parentId, ...(siblings && { siblings }) }
}
