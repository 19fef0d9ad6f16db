import type { Hono } from 'hono'
import { z } from 'zod'
import type { Runs } from '../../domain/runs.ts'
import { answerJson } from '../answer.ts'
import type { RestEnv } from './app.ts'
import { readBody } from './read-request.ts'

const RestTicket = z.strictObject({
  include_debug: z.boolean().default(false),
  include_all: z.boolean().default(false),
})

export function addTicketRoute(app: Hono<RestEnv>, runs: Pick<Runs, 'ticket'>): void {
  app.post('/runs/:id/ticket', async (c) => {
    // Nothing has to be said.
    const isEmpty = (await c.req.text()) === ''
    const body = isEmpty ? RestTicket.parse({}) : await readBody(c, RestTicket)
    const { ticket, expiresAt } = await runs.ticket(c.get('principal'), {
      runId: c.req.param('id'),
      includeDebug: body.include_debug,
      includeAll: body.include_all,
    })
    return answerJson({ ticket, expires_at: expiresAt })
  })
}
