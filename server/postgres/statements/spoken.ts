import { OPEN } from '../../lifecycle/statuses.ts'

/** SQL that is true for a run whose messages are history for people: also of one under way, since its input was said. */
export const isSpoken = (run: string): string => `(${run}.status = 'succeeded' OR ${run}.status IN ${OPEN})`
