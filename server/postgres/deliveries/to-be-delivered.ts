import { MAY_START } from '../statements/gates.ts'

/** SQL that is true for a run `r` that a delivery has to lead to: it is to be taken up, now or at its time. */
export const IS_TO_BE_DELIVERED = `
  (r.status = 'queued' AND ${MAY_START} OR r.status = 'waiting' AND r.run_at IS NOT NULL)`
