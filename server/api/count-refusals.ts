import { refusalKey } from './refusal-pace.ts'
import type { NetworkOf, RefusalPace } from './refusal-pace.ts'
import type { RestEnv } from './rest/route.ts'

type Env = RestEnv['Bindings']

/** Counts the refusals of HTTP requests by caller. A request stores its caller once that is known. */
export function createRefusalCount(pace: RefusalPace, networkOf: NetworkOf) {
  function keyOf({ asking, remoteAddress }: Env, request: Request) {
    const forwardedFor = request.headers.get('x-forwarded-for')
    return refusalKey(asking, networkOf({ remoteAddress, forwardedFor }))
  }

  return {
    /** Counts one refusal, and stores when the caller may get it. */
    count(env: Env, request: Request): void {
      env.refusalDue = pace.count(keyOf(env, request))
    },
    /** Resolves when the caller may get what it was refused last. Undefined if that is now. */
    untilDue: (env: Env, request: Request) => pace.wait(pace.dueOf(keyOf(env, request))),
  }
}
