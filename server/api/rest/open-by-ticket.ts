import type { Context } from 'hono'
import { AgentRuntimeError } from '../../contract/agent-runtime-error.ts'
import type { Tickets, TicketView } from '../../domain/tickets.ts'
import type { Logger } from '../../ports/logger.ts'
import { logRefusal } from '../log-refusal.ts'
import { asksForStream } from './negotiate.ts'

const STREAM = /\/(?<kind>run|conversation)s\/(?<id>[^/]+)\/events(?<only>\/stream)?\/?$/

/**
 * Opens the ticket in a URL. A ticket can only open a stream.
 *
 * @returns undefined if there is no ticket.
 * @throws AgentRuntimeError `unauthorized`
 */
export async function openByTicket(
  c: Context,
  { tickets, log }: { tickets: Pick<Tickets, 'open'>; log: Logger },
): Promise<TicketView | undefined> {
  const { method, url } = c.req.raw
  if (method !== 'GET' || !url.includes('ticket=')) return undefined
  const { kind, id, only } = STREAM.exec(c.req.path)?.groups ?? {}
  const ticket = c.req.query('ticket')
  if (id === undefined || ticket === undefined || !(only !== undefined || asksForStream(c))) return undefined
  try {
    const view = await tickets.open(ticket)
    if (view.of.kind === kind && view.of.id === id) return view
    throw new AgentRuntimeError('unauthorized', `The ticket is for another ${view.of.kind}.`)
  } catch (error) {
    if (error instanceof AgentRuntimeError) logRefusal(log, error, c.req.raw)
    throw error
  }
}
