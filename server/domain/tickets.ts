// An EventSource in a page can set no header, so it opens a stream by a ticket in the URL. The ticket shows one run and is
// good for a minute, so a URL in somebody's log is soon of no use.
import { z } from 'zod'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import { EventFilter } from '../contract/event.ts'
import { parseInput } from '../contract/parse-input.ts'
import { parsePrincipal } from '../contract/principal.ts'
import type { Principal } from '../contract/principal.ts'
import { TicketInput } from '../contract/ticket.ts'
import type { StreamTicket, TicketRequest } from '../contract/ticket.ts'
import { ownerOf } from '../ports/owner.ts'
import type { TicketSigner } from '../ports/ticket-signer.ts'
import type { RunEvents } from './run-events.ts'

export interface RunTickets {
  /**
   * Makes a ticket for the events of a run. Whoever has it can begin a REST stream with `?ticket=` within 60 s, and sees what
   * this caller asks for here.
   *
   * @throws AgentRuntimeError `not_found` or `forbidden` for what the caller may not see.
   */
  ticket(principal: Principal, request: TicketRequest): Promise<StreamTicket>
}

/** What a ticket shows, and to whom. */
export interface TicketView {
  principal: Principal
  runId: string
  filter: EventFilter
}

export interface Tickets extends RunTickets {
  /** @throws AgentRuntimeError `unauthorized` when it is none, or not any more. */
  open(ticket: string): Promise<TicketView>
}

/** How long a ticket can begin a stream, in seconds. */
const LIFETIME_SECONDS = 60

// Refuses tickets of another kind than `run`, which later versions may make.
const Claims = z.object({
  sub: z.string(),
  tenant: z.string(),
  kind: z.string(),
  run: z.string(),
  debug: z.boolean(),
  all: z.boolean(),
})

export function createTickets(signer: TicketSigner, events: Pick<RunEvents, 'listEvents'>): Tickets {
  return {
    async ticket(principal, request) {
      const caller = parsePrincipal(principal)
      const { runId, includeDebug, includeAll } = parseInput(TicketInput, request)
      // The same checks as for the events themselves. Claims are left out: a URL is no place for them.
      await events.listEvents(caller, { runId, filter: { includeDebug, includeAll }, limit: 1 })
      const { id, tenantId, kind } = ownerOf(caller)
      const claims: z.infer<typeof Claims> = {
        sub: id,
        tenant: tenantId,
        kind,
        run: runId,
        debug: includeDebug,
        all: includeAll,
      }
      const { ticket, expiresAt } = await signer.sign(claims, LIFETIME_SECONDS)
      return { ticket, expiresAt: expiresAt.toISOString() }
    },

    async open(ticket) {
      const claims = Claims.safeParse(await signer.verify(ticket))
      if (!claims.success) {
        throw new AgentRuntimeError(
          'unauthorized',
          'The ticket is not valid, or not any more: get another one.',
        )
      }
      const {
        sub: id,
        tenant: tenantId,
        kind,
        run: runId,
        debug: includeDebug,
        all: includeAll,
      } = claims.data
      return {
        principal: parsePrincipal({ id, tenantId, kind }),
        runId,
        filter: { includeDebug, includeAll },
      }
    },
  }
}
