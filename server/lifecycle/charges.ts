// An attempt without a result costs its run a failure, which counts towards `maxAttempts`, or a loss, which does not.

/** How often a run may lose its worker together with other runs. After that it is executed in a process of its own. */
export const LOSSES_IN_COMPANY = 2

/**
 * SQL condition for a run that often lost its worker together with other runs, so that it may be the cause. A run with
 * few attempts is suspected sooner, since losses become failures once it is alone in its process.
 */
export const IS_SUSPECT = `losses >= LEAST(${LOSSES_IN_COMPANY}, GREATEST(max_attempts - 1, 1))`

/** Failures of a run that was alone when it lost its worker. It must be the cause, so its earlier losses count too. */
export const failuresAlone = (losses: number): number => 1 + losses

/** `failuresAlone` in SQL, for an expression. */
export const failuresAloneSql = (losses: string): string => `1 + ${losses}`

/** Whether no other attempt follows. */
export const isUsedUp = (failures: number, maxAttempts: number): boolean => failures >= maxAttempts

/** `isUsedUp` in SQL, for expressions. */
export const isUsedUpSql = (failures: string, maxAttempts: string): string => `${failures} >= ${maxAttempts}`
