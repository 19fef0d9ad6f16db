import { MAY_START } from '../statements/gates.ts'

/** SQL condition: the run `r` needs a delivery, because it must be executed now or later. */
export const IS_TO_BE_DELIVERED = `
  (r.status = 'queued' AND ${MAY_START} OR r.status = 'waiting' AND r.run_at IS NOT NULL)`
