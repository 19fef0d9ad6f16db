import { z } from 'zod'
import { Json } from './json.ts'

/** What a run waits for: an answer, an approval, a time, or the end of a run that it has started. */
export type WaitKind = z.infer<typeof WaitKind>
export const WaitKind = z.enum(['input', 'approval', 'sleep', 'child'])

/** The longest durable wait or sleep: a year. */
export const MAX_WAIT_MS = 365 * 86_400_000

/** The largest number that the database can hold. */
export const MAX_OCCURRENCE = 2_147_483_647

/** The name of a step or a wait. */
export const CALL_NAME = '1 to 200 characters, none of them U+0000 or half a surrogate pair'
export const CallName = z.string().regex(/^[^\0\p{Cs}]{1,200}$/su, CALL_NAME)

/** An open wait of a run. Times are ISO 8601 in UTC. */
export type PendingWait = z.infer<typeof PendingWait>
export const PendingWait = z.object({
  name: CallName,
  kind: WaitKind,
  /**
   * What the agent shows to the person who answers; for an approval
   * `{ tool, arguments, hash, toolCallId?, interruptedIn?, details? }`.
   */
  details: Json,
  /** JSON Schema of the answer; null when nobody is asked. */
  schema: Json,
  /** When the wait ends without an answer; null if it never does. */
  expiresAt: z.iso.datetime().nullable(),
  /** The run below that waits. Left out if it is this run itself. */
  runId: z.uuid().optional(),
  /** Tells it from the run's other waits of that name. Left out for the first one. */
  occurrence: z.int().min(2).optional(),
})

/** The answer to an approval: whether the call may happen. `hash` is the one in the wait's `details`. */
export type ApprovalAnswer = z.infer<typeof ApprovalAnswer>
export const ApprovalAnswer = z.object({
  approved: z.boolean(),
  hash: z.string(),
  comment: z.string().max(10_000).optional(),
})

/** A page's answer to a tool call: the result or the error. */
export type ToolAnswer<TResult = Json> = { result: TResult } | { error: string }
