import { z } from 'zod'
import { UserMessage } from './message.ts'
import { Run, RunRef } from './run.ts'

/** The prefix of keys of messages that tell of the end of a detached run. Callers cannot use it. */
export const ENDED_KEY_PREFIX = 'ended/'

/** The input that sends a message to a run under way. */
export type SendRequest = z.input<typeof SendInput>
export type SendInput = z.infer<typeof SendInput>
export const SendInput = RunRef.extend({
  /** A message of the user, or a text. It cannot name uploaded files. */
  message: z.union([z.string().min(1), UserMessage], 'a message is a text, or {"role":"user","content":"…"}'),
  /** Sending twice to a run with the same key sends once. At most 200 characters. */
  idempotencyKey: z
    .string()
    .min(1)
    .max(200)
    .refine((key) => !key.startsWith(ENDED_KEY_PREFIX), {
      error: `keys that begin with "${ENDED_KEY_PREFIX}" are those of ends of runs`,
    })
    .optional(),
})

/** A run got a message. It reads the message, or leaves it to the next run of its conversation. */
export interface SentMessage {
  /** The id of its event and of the stored message. */
  messageId: string
  /** The run that it was sent to. */
  run: Run
}
