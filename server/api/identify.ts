import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import type { Principal } from '../contract/principal.ts'
import type { Authenticate } from './services.ts'

export type Identify = (request: Request) => Promise<Principal>

interface IdentifyOptions {
  authenticate: Authenticate
  /** Starts what is not started yet; rejects with the reason when it can't. */
  start(): Promise<void>
}

/** Tells who a request is from, whatever it came over; rejects with `unauthorized` when it is from nobody. */
export function createIdentify({ start, authenticate }: IdentifyOptions): Identify {
  return async (request) => {
    await start()
    const principal = await authenticate(request)
    if (principal === null) throw new AgentRuntimeError('unauthorized', 'Authentication is required.')
    return principal
  }
}
