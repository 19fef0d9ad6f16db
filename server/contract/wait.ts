import { z } from 'zod'
import { Json } from './json.ts'

/** What a run waits for: a value somebody gives, leave to do something, a time, or the end of a run that it has started. */
export type WaitKind = z.infer<typeof WaitKind>
export const WaitKind = z.enum(['input', 'approval', 'sleep', 'child'])

/** The longest durable wait or sleep: a year. */
export const MAX_WAIT_MS = 365 * 86_400_000

/** What the database can count to. */
export const MAX_OCCURRENCE = 2_147_483_647

/** Of a step or a wait. */
export const CALL_NAME = '1 to 200 characters, none of them U+0000 or half a surrogate pair'
export const CallName = z.string().regex(/^[^\0\p{Cs}]{1,200}$/su, CALL_NAME)

/** Something a run waits for at this moment. Times are ISO 8601 in UTC. */
export type PendingWait = z.infer<typeof PendingWait>
export const PendingWait = z.object({
  name: CallName,
  kind: WaitKind,
  /** What the agent tells whoever answers; for an approval `{ tool, arguments, hash, toolCallId?, interruptedIn?, details? }`. */
  details: Json,
  /** JSON Schema of the answer; null when nobody is asked. */
  schema: Json,
  /** When the wait ends without an answer; null when it does not. */
  expiresAt: z.iso.datetime().nullable(),
  /** The run below that waits. Left out where it is the run itself. */
  runId: z.uuid().optional(),
  /** Tells it from the run's other waits of that name. Left out of the first. */
  occurrence: z.int().min(2).optional(),
})

/** The answer that lets an approval's tool call happen, or not. `hash` is that of the call it is about. */
export type ApprovalAnswer = z.infer<typeof ApprovalAnswer>
export const ApprovalAnswer = z.object({
  approved: z.boolean(),
  hash: z.string(),
  comment: z.string().max(10_000).optional(),
})

/** What a page answers to a tool's call: what the tool made of it, or what went wrong. */
export type ToolAnswer<TResult = Json> = { result: TResult } | { error: string }
