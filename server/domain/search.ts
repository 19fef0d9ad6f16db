import { createLine, LineFull } from '../concurrency/line.ts'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import type { Logger } from '../ports/logger.ts'
import { ownerOf } from '../ports/owner.ts'
import type { Owner } from '../ports/owner.ts'
import { StoreFailure } from '../ports/store/store-failure.ts'

/** The most searches of a process at once. Each takes a connection, which others need. */
const AT_ONCE = 2
/**
 * The most searches of one caller, in line or under way. Search-as-you-type sends the next before the last is answered.
 */
const PER_CALLER = 5
const RETRY_SECONDS = 1

/** Limits searches to a few at a time, so that they do not delay other requests. The database limits their time. */
export function createSearch(log: Logger) {
  const inLine = createLine({ atOnce: AT_ONCE, perKey: PER_CALLER })

  /** @throws AgentRuntimeError `rate_limited`, or `validation_failed` when the search took too long */
  return async <T>(caller: Owner, list: () => Promise<T>): Promise<T> => {
    const by = ownerOf(caller)
    try {
      return await inLine(JSON.stringify([by.tenantId, by.kind, by.id]), list)
    } catch (error) {
      if (error instanceof LineFull) {
        log.info({ by }, 'refused a search: its caller has several under way')
        throw new AgentRuntimeError(
          'rate_limited',
          'Your other searches are under way. Try again in a moment.',
          {
            details: { retryAfterSeconds: RETRY_SECONDS },
          },
        )
      }
      if (error instanceof StoreFailure && error.kind === 'contended') {
        log.warn({ err: error, by }, 'a search took too long')
        const message = 'The search took too long. Narrow it down by agent, metadata or scope.'
        throw new AgentRuntimeError('validation_failed', message, { cause: error })
      }
      throw error
    }
  }
}
