import { z } from 'zod'
import { answerSchema, requestSchema } from './named.ts'
import { Time } from './names.ts'

export const RestTicketRequest = requestSchema(
  'TicketRequest',
  z.object({ include_debug: z.boolean().default(false), include_all: z.boolean().default(false) }),
)

export const RestTicket = answerSchema('Ticket', z.object({ ticket: z.string(), expires_at: Time }))
