import { Hono } from 'hono'
import type { Context } from 'hono'
import { AgentRuntimeError } from '../../contract/agent-runtime-error.ts'
import { ClaimInput } from '../../contract/session.ts'
import type { Sessions } from '../../domain/sessions.ts'
import { answerJson } from '../answer.ts'
import type { RestEnv } from './app.ts'
import { readBody } from './read-request.ts'

/** Lets in a visitor without an account, whatever the body says. */
export function createSessionRoute(sessions: Sessions) {
  return async (c: Context<RestEnv>): Promise<Response> => {
    if (c.req.raw.method !== 'POST') {
      throw new AgentRuntimeError('method_not_allowed', 'An anonymous session is asked for by POST.')
    }
    const { token, expiresAt } = await sessions.create({
      request: c.req.raw,
      remoteAddress: c.env.remoteAddress,
    })
    return answerJson({ token, expires_at: expiresAt }, 201)
  }
}

/** What a signed-in user does with a session, under `/sessions`. */
export function createSessionRoutes(sessions: Sessions): Hono<RestEnv> {
  const app = new Hono<RestEnv>({ strict: false })
  app.post('/claim', async (c) => {
    const { token } = await readBody(c, ClaimInput)
    return answerJson(await sessions.claim(c.get('principal'), token))
  })
  return app
}
