// A page's EventSource can set no header. It opens a stream by a ticket in its URL, which shows one run, and for a
// minute only: what a log along the way keeps of the URL is of no use to anybody.
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
   * A ticket for the events of a run: whoever has it may begin a stream within 60 s, as `?ticket=` of the REST stream, and sees
   * what this caller asks for here.
   *
   * @throws AgentRuntimeError `not_found` or `forbidden` for what the caller may not see.
   */
  ticket(principal: Principal, request: TicketRequest): Promise<StreamTicket>
}

/** What a ticket shows to whom. */
export interface TicketView {
  principal: Principal
  runId: string
  filter: EventFilter
}

export interface Tickets extends RunTickets {
  /** @throws AgentRuntimeError `unauthorized` when it is none, or not any more. */
  open(ticket: string): Promise<TicketView>
}

/** To begin a stream. */
const LIFETIME_SECONDS = 60

// Later versions may make tickets of another kind than `run`: they are refused here.
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
      // The caller is asked about as for the events themselves. Claims stay behind: a URL is no place for them.
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
