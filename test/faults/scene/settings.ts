/** FAULTS_SEED repeats a suite's choices; FAULTS_RUNS is the number of runs in a scenario. */
export const SEED: string = process.env['FAULTS_SEED'] ?? '1'
export const RUNS = Number(process.env['FAULTS_RUNS'] ?? 500)
/** The time for all runs of a scenario: more than usual take longer. */
export const LOAD_TIMEOUT_MS: number = 400_000 * Math.max(1, RUNS / 500)
/** The number as part of `npm test`. */
export const IS_SHORT: boolean = RUNS < 100
/** The shortest possible one. */
export const LEASE_TTL_SECONDS = 10
/** FAULTS_QUEUE=redis runs all scenarios with the queue and the bus in Redis. */
export const QUEUE = process.env['FAULTS_QUEUE'] === 'redis' ? 'redis' : 'postgres'
