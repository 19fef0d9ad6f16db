/** FAULTS_SEED repeats a suite's choices, FAULTS_RUNS says how many runs a scenario is made of. */
export const SEED: string = process.env['FAULTS_SEED'] ?? '1'
export const RUNS = Number(process.env['FAULTS_RUNS'] ?? 500)
/** As part of `npm test`. */
export const IS_SHORT: boolean = RUNS < 100
/** The shortest there is. */
export const LEASE_TTL_SECONDS = 10
/** FAULTS_QUEUE=redis plays all scenarios with the queue and the bus in Redis. */
export const QUEUE = process.env['FAULTS_QUEUE'] === 'redis' ? 'redis' : 'postgres'
