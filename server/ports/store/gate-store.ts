import type { Owner } from '../owner.ts'

/**
 * How far the search for parked runs has come. The next search continues after these, or begins anew where they are
 * null.
 */
export interface ParkedCursor {
  principal: Owner | null
  tenantId: string | null
}

/** Lets in parked runs when there is room for them: see `RunsAtOnce`. */
export interface GateStore {
  /** Lets in as many parked runs of these owners, and of their tenants, as there is room for. */
  letIn(owners: readonly Owner[]): Promise<void>
  /**
   * Sends runs that became due to the gates, and lets in parked runs that were overlooked. One call serves some
   * hundreds of principals and tenants.
   */
  letInParked(after: ParkedCursor): Promise<ParkedCursor>
}
