import { z } from 'zod'
import { UserMessage } from './message.ts'
import { Run, RunRef } from './run.ts'

/** Says something to a run that is under way. */
export type SendRequest = z.input<typeof SendInput>
export type SendInput = z.infer<typeof SendInput>
export const SendInput = RunRef.extend({
  /** A message of the user; a text is one. It names no uploaded files. */
  message: z.union([z.string().min(1), UserMessage], 'a message is a text, or {"role":"user","content":"…"}'),
  /** Sending to a run twice with the same key is sending once. At most 200 characters. */
  idempotencyKey: z.string().min(1).max(200).optional(),
})

/** A run has a message, and will read it or leave it to the next run of its conversation. */
export interface SentMessage {
  /** That of its event, and of the message as it is kept. */
  messageId: string
  /** The run that it was sent to. */
  run: Run
}
