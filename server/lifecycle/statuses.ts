// Lists of statuses in SQL.
import type { RunStatus } from '../contract/run.ts'
import { OPEN_STATUSES } from '../contract/terminal.ts'

/** For `status IN …`. */
export const listOf = (statuses: readonly RunStatus[]): string =>
  `(${statuses.map((status) => `'${status}'`).join(', ')})`

/**
 * The statuses of runs that are not over. Partial indexes in prisma/schema.prisma hold only these. PostgreSQL uses such
 * an index for statements with the same list.
 */
export const OPEN = listOf(OPEN_STATUSES)
