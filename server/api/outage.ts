import { StartupError } from '../ports/startup-error.ts'

/** Of the system, and of Prisma, which reports some of that in its own words. */
const CODES = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH'],
  ...['ENETUNREACH', 'P1001', 'P1002', 'P1008', 'P1017', 'P2024'],
  // PostgreSQL's: a standby took over or is asked, a lock or a statement took too long, a transaction stood still.
  ...['25006', '55P03', '57014', '25P03', '25P04'],
])

/** And its classes for connections that fail, for what is used up (disk, memory, connections), and for a shutdown. */
const CLASS = /^(08|53|57P)/

/** Whether an error says that the database can't be had right now, and so that another try may do. */
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

/** An error's causes may lead round in a circle. */
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
