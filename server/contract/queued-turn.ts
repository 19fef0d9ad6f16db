import { z } from 'zod'
import { ConversationRef } from './conversation.ts'
import { RunId } from './run.ts'

/** A run that waits for its turn in its conversation. */
export type QueuedTurn = z.infer<typeof QueuedTurn>
export const QueuedTurn = z.object({
  runId: RunId,
  agentKey: z.string(),
  /** What it asks: the beginning of the text that its user said last, at most 500 characters. */
  text: z.string(),
  createdAt: z.iso.datetime(),
})

/** Of a text that a queue shows. */
export const MAX_QUEUED_TEXT = 500

/** Where a run that waits for its turn is to come: right before, or right after, another one that does. */
export type MoveTurnRequest = z.input<typeof MoveTurnInput>
export type MoveTurnInput = z.infer<typeof MoveTurnInput>
export const MoveTurnInput = ConversationRef.extend({
  runId: RunId,
  before: RunId.optional(),
  after: RunId.optional(),
}).refine(({ before, after }) => (before === undefined) !== (after === undefined), {
  path: ['before'],
  error: 'a run comes before or after another one: name one of the two',
})

/** Right before, or right after, another run that waits. */
export type TurnPlace = { before: string; after?: undefined } | { after: string; before?: undefined }
/** The same, said so that a run has one place. */
export type MoveTurn = Omit<MoveTurnRequest, 'before' | 'after'> & TurnPlace
