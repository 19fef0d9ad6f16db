// Lists of statuses in SQL.
import type { RunStatus } from '../contract/run.ts'
import { OPEN_STATUSES } from '../contract/terminal.ts'

/** For `status IN …`. */
export const listOf = (statuses: readonly RunStatus[]): string =>
  `(${statuses.map((status) => `'${status}'`).join(', ')})`

/**
 * The statuses of runs that are not over. Partial indexes of prisma/schema.prisma hold those alone, and PostgreSQL uses them
 * where a statement has the same list.
 */
export const OPEN = listOf(OPEN_STATUSES)
