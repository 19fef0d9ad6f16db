/** SQL that is true for a run `r` that a delivery has to lead to: it is to be taken up, now or at its time. */
export const IS_TO_BE_DELIVERED = `
  (r.status = 'queued' AND r.turn IS NULL OR r.status = 'waiting' AND r.run_at IS NOT NULL)`
