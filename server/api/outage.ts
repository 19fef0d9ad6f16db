import { StartupError } from '../ports/startup-error.ts'

/** Codes of the operating system, and of Prisma, which has its own codes for some of them. */
const CODES = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH'],
  ...['ENETUNREACH', 'P1001', 'P1002', 'P1008', 'P1017', 'P2024'],
  // Codes of PostgreSQL: a standby took over or was asked, a lock or a statement took too long, a transaction
  // stood still.
  ...['25006', '55P03', '57014', '25P03', '25P04'],
])

/**
 * Classes of PostgreSQL for failed connections, exhausted resources (disk, memory, connections), and a
 * shutdown.
 */
const CLASS = /^(08|53|57P)/

/** Whether an error says that the database is unavailable at the moment, so that another try may succeed. */
export function isOutage(error: unknown, levels = MAX_CAUSES): boolean {
  if (error instanceof StartupError) return true
  if (levels === 0 || typeof error !== 'object' || error === null) return false
  const { code, cause, errors, meta } = error as Failure
  return (
    isCode(code) ||
    [cause, meta?.driverAdapterError, ...(Array.isArray(errors) ? errors : [])].some((one) =>
      isOutage(one, levels - 1),
    )
  )
}

/** The chain of an error's causes may be a circle. */
const MAX_CAUSES = 5

interface Failure {
  code?: unknown
  cause?: unknown
  /** Of an AggregateError. */
  errors?: unknown
  /** Of Prisma's. */
  meta?: { driverAdapterError?: unknown }
}

function isCode(code: unknown): boolean {
  return typeof code === 'string' && (CODES.has(code) || (code.length === 5 && CLASS.test(code)))
}
