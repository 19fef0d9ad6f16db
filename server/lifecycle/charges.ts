// What an attempt that came to nothing costs its run: a failure, which counts towards `maxAttempts`, or a loss, which does not.

/** So often a run may lose its worker in the company of others before it is executed in a process of its own. */
export const LOSSES_IN_COMPANY = 2

/**
 * SQL that is true for a run that has lost its workers so often, in the company of others, that it may be what ends
 * them. Sooner where it has few attempts: alone in its process, it is charged for what it did in company.
 */
export const IS_SUSPECT = `losses >= LEAST(${LOSSES_IN_COMPANY}, GREATEST(max_attempts - 1, 1))`

/**
 * Failures of a run that lost its worker alone: that can only be its doing, so the times it lost one in company count too.
 */
export const failuresAlone = (losses: number): number => 1 + losses

/** The same in SQL, of an expression. */
export const failuresAloneSql = (losses: string): string => `1 + ${losses}`

/** Whether no other attempt follows. */
export const isUsedUp = (failures: number, maxAttempts: number): boolean => failures >= maxAttempts

/** The same in SQL, of expressions. */
export const isUsedUpSql = (failures: string, maxAttempts: string): string => `${failures} >= ${maxAttempts}`
