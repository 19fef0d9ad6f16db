import { MAY_START } from '../statements/gates.ts'

/** SQL that is true for a run `r` that needs a delivery: it is to be executed, now or later. */
export const IS_TO_BE_DELIVERED = `
  (r.status = 'queued' AND ${MAY_START} OR r.status = 'waiting' AND r.run_at IS NOT NULL)`
