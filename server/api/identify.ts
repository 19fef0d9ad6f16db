import { ZodError } from 'zod'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import { toProblems } from '../contract/issues.ts'
import { parsePrincipal } from '../contract/principal.ts'
import type { Principal } from '../contract/principal.ts'
import type { Logger } from '../ports/logger.ts'
import { answerInTime } from '../domain/answer-in-time.ts'
import { readQueryTokens } from './query-tokens.ts'
import type { Asked } from './query-tokens.ts'
import type { RuntimePaths } from './runtime-paths.ts'
import { sessionOver } from '../domain/session-over.ts'
import { describe, logRefusal } from './log-refusal.ts'
import type { Authenticate } from './authenticate.ts'

export type Identify = (request: Request) => Promise<Principal>

interface IdentifyOptions {
  authenticate: Authenticate
  /** Finds the visitor of an anonymous session. Undefined if sessions are off. */
  findVisitor: ((token: string) => Promise<Principal | null>) | undefined
  paths: Pick<RuntimePaths, 'restPath' | 'trpcPath'>
  /** Starts the runtime if it has not started; rejects with the reason if it cannot. */
  start(): Promise<void>
  /** Time that `authenticate` may take. */
  timeoutMs: number
  log: Logger
}

/** Tells who sent a request, over any transport; rejects with `unauthorized` if nobody is known. */
export function createIdentify(options: IdentifyOptions): Identify {
  const { start, authenticate, findVisitor, paths, timeoutMs, log } = options
  return async (given) => {
    await start()
    const asked = readQueryTokens(given, paths)
    const { request } = asked
    let answer: unknown
    try {
      answer = await ask(asked)
      return parsePrincipal(answer)
    } catch (error) {
      // A caller who is not signed in is normal. A result of another shape is a mistake in the function, so
      // it is logged.
      if (answer) log.warn({ request: describe(request), problems: problemsOf(error) }, NO_PRINCIPAL)
      else if (error instanceof AgentRuntimeError) logRefusal(log, error, request)
      throw error
    }
  }

  /** A signed-in caller is that user, even if the request also has a visitor's token. */
  async function ask({ request, token }: Asked): Promise<unknown> {
    let refusal: unknown
    try {
      const answer = await answerInTime(authenticate(request), timeoutMs, late)
      if (findVisitor === undefined || answer) return answer
    } catch (error) {
      // It may mistake a visitor's token for an invalid token of its own.
      if (findVisitor === undefined || token === null || !isUnauthorized(error)) throw error
      refusal = error
    }
    const visitorsToken = request.headers.get('x-anonymous-token') ?? token
    if (visitorsToken === null) return null
    const visitor = await findVisitor(visitorsToken)
    if (visitor === null) throw refusal ?? sessionOver()
    return visitor
  }

  function late(): AgentRuntimeError {
    log.error({ timeoutMs }, 'authenticate did not answer in time')
    return new AgentRuntimeError(
      'unavailable',
      'You could not be authenticated in time. Try again in a moment.',
    )
  }
}

function isUnauthorized(error: unknown): boolean {
  return error instanceof AgentRuntimeError && error.code === 'unauthorized'
}

const NO_PRINCIPAL =
  'authenticate returned something that is not a principal; the request is refused with 401'

/** What is wrong, without the value itself, since that may be private data of the application. */
function problemsOf(error: unknown): string[] {
  const cause = error instanceof AgentRuntimeError ? error.cause : error
  if (!(cause instanceof ZodError)) return [String(cause)]
  return toProblems(cause.issues)
}
