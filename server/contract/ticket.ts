import type { z } from 'zod'
import { ConversationRef } from './conversation.ts'
import { EventFilter } from './event.ts'
import { RunRef } from './run.ts'

/** For a stream of which run, and of which of its events. */
export const TicketInput = RunRef.extend(EventFilter.shape)
export type TicketRequest = z.input<typeof TicketInput>

/** For a stream of which conversation, and of which of its events. */
export const ConversationTicketInput = ConversationRef.extend(EventFilter.shape)
export type ConversationTicketRequest = z.input<typeof ConversationTicketInput>

/** What an `EventSource` opens a stream with: `?ticket=` of its URL. */
export interface StreamTicket {
  ticket: string
  /** ISO 8601. A stream that was begun by then goes on. */
  expiresAt: string
}
