import type { Principal } from '../contract/principal.ts'

/** What `authenticate` may return for nobody. */
type Nobody = null | undefined | false

/**
 * Tells who sent a request. Null, and everything that is not a {@link Principal}, is answered with 401. If it
 * throws, the answer is 500; an `AgentRuntimeError` is answered with its own status.
 *
 * @example
 * authenticate: async (request) => {
 *   const user = await sessionOf(request.headers.get('cookie'))
 *   return user === null ? null : { id: user.id, tenantId: user.teamId, kind: 'user' }
 * }
 */
export type Authenticate = (request: Request) => Promise<Principal | Nobody> | Principal | Nobody
