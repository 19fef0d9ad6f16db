import type { JsonObject } from '../contract/json.ts'

/** Signs what somebody may do for a short while, so that any server knows it again. */
export interface TicketSigner {
  sign(claims: JsonObject, lifetimeSeconds: number): Promise<{ ticket: string; expiresAt: Date }>
  /** What was signed; null when it was not, not here, or too long ago. */
  verify(ticket: string): Promise<JsonObject | null>
}
