// What an attempt without a result costs its run: a failure, which counts towards `maxAttempts`, or a loss, which does not.

/** How often a run may lose its worker together with other runs, before it is executed in a process of its own. */
export const LOSSES_IN_COMPANY = 2

/**
 * SQL that is true for a run that may be what ends its workers, since it lost them so often together with other runs. A
 * run with few attempts is suspected sooner, since losses become failures once it is alone in its process.
 */
export const IS_SUSPECT = `losses >= LEAST(${LOSSES_IN_COMPANY}, GREATEST(max_attempts - 1, 1))`

/**
 * Failures of a run that was alone when it lost its worker. Only it can be the cause, so its earlier losses count too.
 */
export const failuresAlone = (losses: number): number => 1 + losses

/** The same in SQL, of an expression. */
export const failuresAloneSql = (losses: string): string => `1 + ${losses}`

/** Whether no other attempt follows. */
export const isUsedUp = (failures: number, maxAttempts: number): boolean => failures >= maxAttempts

/** The same in SQL, of expressions. */
export const isUsedUpSql = (failures: string, maxAttempts: string): string => `${failures} >= ${maxAttempts}`
