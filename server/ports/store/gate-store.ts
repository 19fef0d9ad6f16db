import type { Owner } from '../owner.ts'

/** How far a look at parked runs has come: the next goes on after these, or begins anew where they are null. */
export interface ParkedCursor {
  principal: Owner | null
  tenantId: string | null
}

/** Runs that are parked until there is room for them: see `RunsAtOnce`. */
export interface GateStore {
  /** Lets in as many parked runs of these owners, and of their tenants, as there is room for. */
  letIn(owners: readonly Owner[]): Promise<void>
  /**
   * Has runs whose time has come go to the gates, and lets in what nobody let in, of some hundreds of principals and
   * tenants.
   */
  letInParked(after: ParkedCursor): Promise<ParkedCursor>
}
