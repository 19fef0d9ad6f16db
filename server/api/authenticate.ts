import type { Principal } from '../contract/principal.ts'

/** What `authenticate` says where there is nobody. */
type Nobody = null | undefined | false

/**
 * Tells who a request is from; null when it is from nobody, which is answered with 401, as is everything
 * that is no {@link Principal}. An error it throws is answered with 500, an `AgentRuntimeError` with its own
 * status.
 *
 * @example
 * authenticate: async (request) => {
 *   const user = await sessionOf(request.headers.get('cookie'))
 *   return user === null ? null : { id: user.id, tenantId: user.teamId, kind: 'user' }
 * }
 */
export type Authenticate = (request: Request) => Promise<Principal | Nobody> | Principal | Nobody
