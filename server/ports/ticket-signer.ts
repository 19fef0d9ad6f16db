import type { JsonObject } from '../contract/json.ts'

/** Signs short-lived permissions, which any server can check. */
export interface TicketSigner {
  sign(claims: JsonObject, lifetimeSeconds: number): Promise<{ ticket: string; expiresAt: Date }>
  /** What was signed. Null for a wrong or foreign signature, and for one that has expired. */
  verify(ticket: string): Promise<JsonObject | null>
}
