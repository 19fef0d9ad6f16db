import type { z } from 'zod'
import { ConversationRef } from './conversation.ts'
import { EventFilter } from './event.ts'
import { RunRef } from './run.ts'

/** The run whose stream the ticket opens, and which events it shows. */
export const TicketInput = RunRef.extend(EventFilter.shape)
export type TicketRequest = z.input<typeof TicketInput>

/** The conversation whose stream the ticket opens, and which events it shows. */
export const ConversationTicketInput = ConversationRef.extend(EventFilter.shape)
export type ConversationTicketRequest = z.input<typeof ConversationTicketInput>

/** Opens a stream, as `?ticket=` in its URL; for an `EventSource`. */
export interface StreamTicket {
  ticket: string
  /** ISO 8601. A stream that has begun by then goes on. */
  expiresAt: string
}
