import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import type { Principal } from '../contract/principal.ts'
import type { Logger } from '../ports/logger.ts'
import { logRefusal } from './log-refusal.ts'
import type { Identify } from './identify.ts'

export interface ReaderSettings {
  /** Between looks whether who opened a stream may still read it. */
  reauthenticateMs: number
  /** After which a stream is ended, for its reader to open it anew. */
  maxAgeMs: number
}

interface Reader {
  request: Request
  principal: Principal
  /** Tells anew who it is. Default: by the request. */
  identify?: (() => Promise<Principal>) | undefined
  /** Rejects when that principal may not read on. */
  check(principal: Principal): Promise<void>
}

/** Calls `end` once, with the reason, when the reader's time is up. Answers how to stop looking. */
export type Watch = (end: (reason: AgentRuntimeError) => void) => () => void

export type WatchReader = (reader: Reader) => Watch

/**
 * Sessions end and rights are withdrawn while streams are open: asks again who is reading, and ends every stream at an
 * age, which its reader does not notice, since it resumes.
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
          // Who can't be asked about now has done nothing: a provider's outage is not to end all streams.
          log.warn({ err: error }, 'who reads a stream could not be told; it goes on until the next look')
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

/** Whether it says of a stream's reader that they are nobody or may not read on, rather than that it could not be told. */
export function endsStream(error: unknown): error is AgentRuntimeError {
  return error instanceof AgentRuntimeError && REFUSALS.has(error.code)
}

const SOMEBODY_ELSE = new AgentRuntimeError('unauthorized', 'Somebody else is signed in by now.')
const TOO_OLD = new AgentRuntimeError('unavailable', 'This stream has been open for long. Connect again.')

function isSame(one: Principal, other: Principal): boolean {
  return one.id === other.id && one.tenantId === other.tenantId && one.kind === other.kind
}

/**
 * No longer than that, and not the same for all streams that were opened together. In few steps: Node.js keeps a list
 * for each length of a timer, and a new list costs more than the timer.
 */
function spread(ms: number): number {
  return Math.ceil(ms * (0.8 + 0.2 * (Math.floor(Math.random() * STEPS) / STEPS)))
}

const STEPS = 16
