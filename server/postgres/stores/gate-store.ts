import type { GateStore } from '../../ports/store/gate-store.ts'
import { letIn, letInParked } from '../statements/let-in.ts'
import type { StoreParts } from './store-parts.ts'

export function createGateStore({ pool, delivering, runsAtOnce }: StoreParts): GateStore {
  return {
    letIn: (owners) => delivering((deliver) => letIn(pool, { owners, runsAtOnce }, deliver)),
    letInParked: (after) => delivering((deliver) => letInParked(pool, { after, runsAtOnce }, deliver)),
  }
}
