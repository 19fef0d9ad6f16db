import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import type { Principal } from '../contract/principal.ts'
import type { Logger } from '../ports/logger.ts'
import { logRefusal } from './log-refusal.ts'
import type { Identify } from './identify.ts'

export interface ReaderSettings {
  /** Milliseconds between checks whether the reader may still read the stream. */
  reauthenticateMs: number
  /** Milliseconds after which a stream is ended; its reader opens it again. */
  maxAgeMs: number
}

interface Reader {
  request: Request
  principal: Principal
  /** Finds out again who the reader is. Default: by the request. */
  identify?: (() => Promise<Principal>) | undefined
  /** Rejects if that principal may not read on. */
  check(principal: Principal): Promise<void>
}

/** Calls `end` once, with the reason, when the reader must stop. Returns a function that stops the checks. */
export type Watch = (end: (reason: AgentRuntimeError) => void) => () => void

export type WatchReader = (reader: Reader) => Watch

/**
 * Sessions end and rights are withdrawn while streams are open. So this checks the reader again and again. It
 * also ends every stream at a maximum age; its reader does not notice, since it resumes.
 */
export function createReaderWatch(
  { identify, log }: { identify: Identify; log: Logger },
  { reauthenticateMs, maxAgeMs }: ReaderSettings,
): WatchReader {
  return ({ request, principal, check, ...reader }) =>
    (end) => {
      const oldAt = performance.now() + spread(maxAgeMs)
      let timer: NodeJS.Timeout
      let isStopped = false

      function schedule(): void {
        const left = Math.max(0, oldAt - performance.now())
        timer = setTimeout(() => void look(), Math.min(spread(reauthenticateMs), left)).unref()
      }

      async function look(): Promise<void> {
        const reason = performance.now() >= oldAt ? TOO_OLD : await refusal()
        if (isStopped) return
        if (reason === undefined) return schedule()
        end(reason)
      }

      async function refusal(): Promise<AgentRuntimeError | undefined> {
        try {
          const current = await (reader.identify?.() ?? identify(request))
          if (!isSame(current, principal)) {
            logRefusal(log, SOMEBODY_ELSE, request)
            return SOMEBODY_ELSE
          }
          await check(current)
          return undefined
        } catch (error) {
          if (endsStream(error)) return error
          // If the check itself fails, the stream goes on: a provider's outage must not end all streams.
          log.warn(
            { err: error },
            'the reader of a stream could not be checked; it goes on until the next check',
          )
          return undefined
        }
      }

      schedule()
      return () => {
        isStopped = true
        clearTimeout(timer)
      }
    }
}

const REFUSALS = new Set(['unauthorized', 'forbidden', 'not_found'])

/**
 * Whether the error says that the reader is unknown or may not read on, and not only that the check failed.
 */
export function endsStream(error: unknown): error is AgentRuntimeError {
  return error instanceof AgentRuntimeError && REFUSALS.has(error.code)
}

const SOMEBODY_ELSE = new AgentRuntimeError('unauthorized', 'Somebody else is signed in by now.')
const TOO_OLD = new AgentRuntimeError('unavailable', 'This stream has been open for long. Connect again.')

function isSame(one: Principal, other: Principal): boolean {
  return one.id === other.id && one.tenantId === other.tenantId && one.kind === other.kind
}

/**
 * At most the given time, and different for streams that were opened together. It has few distinct values:
 * Node.js keeps a list for each timer length, and a new list costs more than the timer.
 */
function spread(ms: number): number {
  return Math.ceil(ms * (0.8 + 0.2 * (Math.floor(Math.random() * STEPS) / STEPS)))
}

const STEPS = 16
