import type { Principal } from '../contract/principal.ts'

/**
 * Tells who a request is from, for `createAgentRuntime({ authenticate })`. Null: it carries nothing this one knows, so
 * that another may be asked.
 *
 * @throws AgentRuntimeError `unauthorized` where it carries what this one knows, and that is not valid.
 */
export type Authenticator = (request: Request) => Principal | null | Promise<Principal | null>
