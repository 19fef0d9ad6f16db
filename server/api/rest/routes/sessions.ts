import { z } from 'zod'
import { SessionToken } from '../../../contract/session.ts'
import type { Sessions } from '../../../domain/sessions.ts'
import { answerJson } from '../../answer.ts'
import { defineRoute, json } from '../route.ts'
import type { Route } from '../route.ts'
import { answerSchema, requestSchema } from '../wire/named.ts'
import { Time } from '../wire/names.ts'

const RestSession = answerSchema('AnonymousSession', z.object({ token: z.string(), expires_at: Time }))
const RestClaim = requestSchema('ClaimSession', z.object({ token: SessionToken }))
const RestClaimed = answerSchema('ClaimedSession', z.object({ conversations: z.int(), runs: z.int() }))

/** Creates sessions for visitors without an account, and ignores the body. It comes before authentication. */
export function createSessionRoute(sessions: Sessions): Route {
  return defineRoute({
    method: 'POST',
    path: '/sessions/anonymous/',
    operationId: 'createAnonymousSession',
    procedure: 'sessions.createAnonymous',
    isOpen: true,
    summary: 'Create a session for a visitor without an account',
    description: 'The body is ignored. Send the token in the header `X-Anonymous-Token`.',
    answers: { 201: { description: 'The session', content: json(RestSession) } },
    refusals: ['not_found', 'rate_limited'],
    async handle({ c }) {
      const from = { request: c.req.raw, remoteAddress: c.env.remoteAddress }
      const { token, expiresAt } = await sessions.create(from)
      return answerJson({ token, expires_at: expiresAt }, 201)
    },
  })
}

/** Routes for a signed-in user with a visitor's session. */
export function sessionRoutes(sessions: Sessions): Route[] {
  return [
    defineRoute({
      method: 'POST',
      path: '/sessions/claim/',
      operationId: 'claimAnonymousSession',
      procedure: 'sessions.claim',
      summary: 'Give all that a visitor owns to the signed-in caller',
      body: { schema: RestClaim },
      answers: { 200: { description: 'How many the caller got', content: json(RestClaimed) } },
      refusals: ['forbidden', 'not_found', 'conflict'],
      handle: async ({ principal, body }) => answerJson(await sessions.claim(principal, body.token)),
    }),
  ]
}
