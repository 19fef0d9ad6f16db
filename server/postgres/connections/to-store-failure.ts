import { StoreFailure } from '../../ports/store/store-failure.ts'

/**
 * The classes and codes of errors that a statement's own values cause: data that can't be held, constraints, limits of the
 * program. A value larger than a gigabyte ends in an internal error. Corrupted data (XX001) belong to a row. A corrupted
 * index (XX002) is no row's fault.
 */
const REFUSED = /^(?:22|23|54|XX000|XX001)/

/** Codes for serialization failures, deadlocks, locks and statements that took too long, and a lack of memory. */
const CONTENDED = new Set(['40001', '40P01', '53200', '55P03', '57014'])

/** Makes a {@link StoreFailure} of an error that is one. A broken connection is not, and stays as it is. */
export function toStoreFailure(error: unknown): unknown {
  // Larger than a string or a message can be, so it was never sent.
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

/** Whether the store refused a duplicate key. */
export function isDuplicate(error: unknown): boolean {
  if (!(error instanceof StoreFailure)) return false
  const { cause } = error
  return cause instanceof Error && 'code' in cause && cause.code === UNIQUE_VIOLATION
}
