import { ZodError } from 'zod'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import { toProblems } from '../contract/issues.ts'
import { parsePrincipal } from '../contract/principal.ts'
import type { Principal } from '../contract/principal.ts'
import type { Logger } from '../ports/logger.ts'
import { answerInTime } from '../domain/answer-in-time.ts'
import { describe, logRefusal } from './log-refusal.ts'
import type { Authenticate } from './services.ts'

export type Identify = (request: Request) => Promise<Principal>

interface IdentifyOptions {
  authenticate: Authenticate
  /** Starts what is not started yet; rejects with the reason when it can't. */
  start(): Promise<void>
  /** What `authenticate` may take. */
  timeoutMs: number
  log: Logger
}

/** Tells who a request is from, whatever it came over; rejects with `unauthorized` when it is from nobody. */
export function createIdentify({ start, authenticate, timeoutMs, log }: IdentifyOptions): Identify {
  return async (request) => {
    await start()
    let answer: unknown
    try {
      answer = await answerInTime(authenticate(request), timeoutMs, late)
      return parsePrincipal(answer)
    } catch (error) {
      // Nobody is signed in now and then; an answer of another shape is a mistake of whoever wrote the function.
      if (answer) log.warn({ request: describe(request), problems: problemsOf(error) }, NO_PRINCIPAL)
      else if (error instanceof AgentRuntimeError) logRefusal(log, error, request)
      throw error
    }
  }

  function late(): AgentRuntimeError {
    log.error({ timeoutMs }, 'authenticate did not answer in time')
    return new AgentRuntimeError(
      'unavailable',
      'Who you are could not be told in time. Try again in a moment.',
    )
  }
}

const NO_PRINCIPAL = 'authenticate answered with something that is no principal, which is refused with 401'

/** What is wrong, without what is there: that may be anything of the application's. */
function problemsOf(error: unknown): string[] {
  const cause = error instanceof AgentRuntimeError ? error.cause : error
  if (!(cause instanceof ZodError)) return [String(cause)]
  return toProblems(cause.issues)
}
