import { z } from 'zod'
import { ChatMessage, fromChatMessages } from '../../../contract/chat-message.ts'
import { SendInput } from '../../../contract/sent-message.ts'
import type { SendRequest } from '../../../contract/sent-message.ts'
import { answerSchema, requestSchema } from './named.ts'
import { RestRun } from './run.ts'

/** The body that sends a message to a run under way. */
export const RestSend = requestSchema(
  'SendMessage',
  z.object({
    message: z
      .union([z.string().min(1), ChatMessage], 'a message is a text, or {"role":"user","content":"…"}')
      .describe('A message of the user, or a text.'),
    idempotency_key: SendInput.shape.idempotencyKey
      .nullish()
      .describe('Sending twice to a run with the same key sends once.'),
  }),
)

export function fromRestSend(runId: string, body: z.output<typeof RestSend>): SendRequest {
  const { message, idempotency_key: key } = body
  const [said] = typeof message === 'string' ? [message] : fromChatMessages([message])
  // The use case refuses other roles than `user`.
  return {
    runId,
    message: said as SendRequest['message'],
    ...(typeof key === 'string' && { idempotencyKey: key }),
  }
}

export const RestSentMessage = answerSchema(
  'SentMessage',
  z.object({
    message_id: z.string().describe('The id of its event `user.message` and of the stored message.'),
    run: RestRun,
  }),
)
