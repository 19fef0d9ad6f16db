import type { WaitStore } from '../../ports/store/wait-store.ts'
import { findWaitsBelow } from '../statements/find-waits-below.ts'
import { respond } from '../statements/respond.ts'
import { readSettledWaits, readWaits } from '../statements/read-waits.ts'
import type { StoreParts } from './store-parts.ts'

export function createWaitStore({ pool, delivering, visibilityOf }: StoreParts): WaitStore {
  return {
    readWaits: (reach, runId) => readWaits(pool, reach, runId),
    findWaitsBelow: (reach, runId, asked) => findWaitsBelow(pool, { reach, runId, ...asked }),
    readSettledWaits: (runId) => readSettledWaits(pool, runId),
    respond: (owner, answer) =>
      delivering((deliver) => respond(pool, { owner, ...answer, visibilityOf }, deliver)),
  }
}
