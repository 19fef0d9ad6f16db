import type { JsonObject } from '../contract/json.ts'

/** Signs short-lived permissions, which any server can check. */
export interface TicketSigner {
  sign(claims: JsonObject, lifetimeSeconds: number): Promise<{ ticket: string; expiresAt: Date }>
  /** The signed claims. Null for a wrong or foreign signature, and for an expired ticket. */
  verify(ticket: string): Promise<JsonObject | null>
}
