import type { Principal } from '../contract/principal.ts'

/**
 * Tells who sent a request, for `createAgentRuntime({ authenticate })`. Null: the request carries nothing
 * that this authenticator knows, so another one may be asked.
 *
 * @throws AgentRuntimeError `unauthorized` if the request carries a token that this authenticator knows, and
 *   the token is not valid.
 */
export type Authenticator = (request: Request) => Principal | null | Promise<Principal | null>
