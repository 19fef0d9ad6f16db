import { StoreFailure } from '../../ports/store/store-failure.ts'

/**
 * Of PostgreSQL's classes and codes, those that tell of what a statement was given: data it can't hold, constraints, limits
 * of the program. An internal error is what a value larger than a gigabyte ends in. Corrupted data (XX001) are those of a row; a
 * corrupted index (XX002) is no row's fault.
 */
const REFUSED = /^(?:22|23|54|XX000|XX001)/

/** Serialization, deadlock, a lock or a statement that took too long, memory. */
const CONTENDED = new Set(['40001', '40P01', '53200', '55P03', '57014'])

/** What went wrong with a statement, as a {@link StoreFailure} if it is one. Broken connections are none. */
export function toStoreFailure(error: unknown): unknown {
  // Larger than a string, or a message, can be: it never left.
  if (error instanceof RangeError) return refused(error)
  if (!(error instanceof Error && 'code' in error)) return error
  const code = String(error.code)
  if (REFUSED.test(code) || code === 'ERR_STRING_TOO_LONG') return refused(error)
  if (CONTENDED.has(code)) {
    return new StoreFailure('contended', 'Another transaction was in the way.', { cause: error })
  }
  return error
}

function refused(cause: Error): StoreFailure {
  return new StoreFailure('refused', `The database can't hold it: ${cause.message}.`, { cause })
}

const UNIQUE_VIOLATION = '23505'

/** Whether the store refused a key that is there. */
export function isDuplicate(error: unknown): boolean {
  if (!(error instanceof StoreFailure)) return false
  const { cause } = error
  return cause instanceof Error && 'code' in cause && cause.code === UNIQUE_VIOLATION
}
