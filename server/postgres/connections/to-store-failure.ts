import { StoreFailure } from '../../ports/store/store-failure.ts'

/**
 * Error classes and codes that a statement's values cause: unstorable data, constraints, program limits. XX000 is here
 * since a value above a gigabyte gives an internal error, and XX001 since corrupted data belongs to a row. XX002 is
 * not: a corrupted index is no row's fault.
 */
const REFUSED = /^(?:22|23|54|XX000|XX001)/

/** Error codes for serialization failures, deadlocks, lack of memory, and locks and statements that took too long. */
const CONTENDED = new Set(['40001', '40P01', '53200', '55P03', '57014'])

/**
 * Turns refusals and contention into a {@link StoreFailure}. Other errors, such as a broken connection, stay as they
 * are.
 */
export function toStoreFailure(error: unknown): unknown {
  // A RangeError: the value exceeds the size of a string or message, so it was never sent.
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
  return new StoreFailure('refused', `The database cannot store it: ${cause.message}.`, { cause })
}

const UNIQUE_VIOLATION = '23505'

/** Whether the store refused a duplicate key. */
export function isDuplicate(error: unknown): boolean {
  if (!(error instanceof StoreFailure)) return false
  const { cause } = error
  return cause instanceof Error && 'code' in cause && cause.code === UNIQUE_VIOLATION
}
