import type { Context, Hono } from 'hono'
import { AgentRuntimeError } from '../../contract/agent-runtime-error.ts'
import { ClaimInput } from '../../contract/session.ts'
import type { Sessions } from '../../domain/sessions.ts'
import { answerJson } from '../answer.ts'
import type { RestEnv } from './app.ts'
import { readBody } from './read-request.ts'

/** Lets in visitors without an account, whatever the body says. */
export function addSessionRoute(app: Hono<RestEnv>, path: string, sessions: Sessions): void {
  app.post(path, async (c: Context<RestEnv>) => {
    const from = { request: c.req.raw, remoteAddress: c.env.remoteAddress }
    const { token, expiresAt } = await sessions.create(from)
    return answerJson({ token, expires_at: expiresAt }, 201)
  })
  app.all(path, () => {
    throw new AgentRuntimeError('method_not_allowed', 'An anonymous session is asked for by POST.')
  })
}

/** What a signed-in user does with a session. */
export function addClaimRoute(app: Hono<RestEnv>, sessions: Sessions): void {
  app.post('/sessions/claim', async (c) => {
    const { token } = await readBody(c, ClaimInput)
    return answerJson(await sessions.claim(c.get('principal'), token))
  })
}
