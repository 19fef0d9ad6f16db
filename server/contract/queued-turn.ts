import { z } from 'zod'
import { ConversationRef } from './conversation.ts'
import { RunId } from './run.ts'

/** A run that waits for its turn in its conversation. */
export type QueuedTurn = z.infer<typeof QueuedTurn>
export const QueuedTurn = z.object({
  runId: RunId,
  agentKey: z.string(),
  /** The beginning of its user's last text, at most 500 characters. */
  text: z.string(),
  createdAt: z.iso.datetime(),
})

/** Characters of a text that a queue shows. */
export const MAX_QUEUED_TEXT = 500

/** The new place of a waiting run: directly before or after another waiting run. */
export type MoveTurnRequest = z.input<typeof MoveTurnInput>
export type MoveTurnInput = z.infer<typeof MoveTurnInput>
export const MoveTurnInput = ConversationRef.extend({
  runId: RunId,
  before: RunId.optional(),
  after: RunId.optional(),
}).refine(({ before, after }) => (before === undefined) !== (after === undefined), {
  path: ['before'],
  error: 'name either before or after',
})

/** Directly before or after another waiting run. */
export type TurnPlace = { before: string; after?: undefined } | { after: string; before?: undefined }
/** The same, in a form that allows only one place. */
export type MoveTurn = Omit<MoveTurnRequest, 'before' | 'after'> & TurnPlace
