// An EventSource in a page cannot set headers, so it opens a stream with a ticket in the URL. The ticket gives access
// to one run or conversation for a minute, so a URL in a log is soon useless.
import { z } from 'zod'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import { EventFilter } from '../contract/event.ts'
import { parseInput } from '../contract/parse-input.ts'
import { parsePrincipal } from '../contract/principal.ts'
import type { Principal } from '../contract/principal.ts'
import { ConversationTicketInput, TicketInput } from '../contract/ticket.ts'
import type { ConversationTicketRequest, StreamTicket, TicketRequest } from '../contract/ticket.ts'
import { ownerOf } from '../ports/owner.ts'
import type { TicketSigner } from '../ports/ticket-signer.ts'
import type { ConversationEvents } from './conversation-events.ts'
import type { RunEvents } from './run-events.ts'

export interface RunTickets {
  /**
   * Makes a ticket for the events of a run. Anyone who has it can begin a REST stream with `?ticket=` within 60 s, and
   * sees the events that this caller requested.
   *
   * @throws AgentRuntimeError `not_found` or `forbidden` when the caller may not see these events
   */
  ticket(principal: Principal, request: TicketRequest): Promise<StreamTicket>
}

export interface ConversationTickets {
  /** Makes a ticket for the events of a conversation. @throws AgentRuntimeError `not_found` or `forbidden` */
  ticket(principal: Principal, request: ConversationTicketRequest): Promise<StreamTicket>
}

interface Shown {
  kind: 'run' | 'conversation'
  id: string
}

/** The run or conversation that a ticket gives access to, and the principal it acts for. */
export interface TicketView {
  principal: Principal
  of: Shown
  filter: EventFilter
}

export interface Tickets {
  ofRun: RunTickets['ticket']
  ofConversation: ConversationTickets['ticket']
  /** @throws AgentRuntimeError `unauthorized` when the ticket is not valid or has expired */
  open(ticket: string): Promise<TicketView>
}

/** How long a ticket can begin a stream, in seconds. */
const LIFETIME_SECONDS = 60

const Caller = z.object({
  sub: z.string(),
  tenant: z.string(),
  kind: z.string(),
  debug: z.boolean(),
  all: z.boolean(),
})

// Refuses other kinds of tickets, which later versions may make.
const Claims = z.union([
  Caller.extend({ run: z.string(), conversation: z.undefined().optional() }),
  Caller.extend({ conversation: z.string(), run: z.undefined().optional() }),
])

interface TicketPorts {
  runs: Pick<RunEvents, 'listEvents'>
  conversations: Pick<ConversationEvents, 'listEvents'>
}

export function createTickets(signer: TicketSigner, { runs, conversations }: TicketPorts): Tickets {
  async function sign(caller: Principal, { kind: shown, id: shownId }: Shown, filter: EventFilter) {
    // The caller's claims are left out: a URL is no place for them.
    const { id, tenantId, kind } = ownerOf(caller)
    const { includeDebug: debug, includeAll: all } = filter
    const claims = { sub: id, tenant: tenantId, kind, [shown]: shownId, debug, all }
    const { ticket, expiresAt } = await signer.sign(claims, LIFETIME_SECONDS)
    return { ticket, expiresAt: expiresAt.toISOString() }
  }

  // Reading one event makes the same checks as reading the stream.
  return {
    async ofRun(principal, request) {
      const caller = parsePrincipal(principal)
      const { runId, ...filter } = parseInput(TicketInput, request)
      await runs.listEvents(caller, { runId, filter, limit: 1 })
      return sign(caller, { kind: 'run', id: runId }, filter)
    },

    async ofConversation(principal, request) {
      const caller = parsePrincipal(principal)
      const { conversationId, ...filter } = parseInput(ConversationTicketInput, request)
      await conversations.listEvents(caller, { conversationId, filter, after: 'now', limit: 1 })
      return sign(caller, { kind: 'conversation', id: conversationId }, filter)
    },

    async open(ticket) {
      const claims = Claims.safeParse(await signer.verify(ticket))
      if (!claims.success) {
        throw new AgentRuntimeError(
          'unauthorized',
          'The ticket is not valid or has expired: get another one.',
        )
      }
      const { data } = claims
      const of: Shown =
        data.run === undefined
          ? { kind: 'conversation', id: data.conversation }
          : { kind: 'run', id: data.run }
      return {
        principal: parsePrincipal({ id: data.sub, tenantId: data.tenant, kind: data.kind }),
        of,
        filter: { includeDebug: data.debug, includeAll: data.all },
      }
    },
  }
}
