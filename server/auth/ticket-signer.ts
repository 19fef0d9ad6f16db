// Tickets for streams: JSON Web Tokens that the runtime signs for itself.
import { randomBytes } from 'node:crypto'
import { errors, jwtVerify, SignJWT } from 'jose'
import type { JsonObject } from '../contract/json.ts'

const ALGORITHM = 'HS256'
const KEY_BYTES = 32
/** The audience of tickets, which tells them from other tokens, and the purpose of the key. */
const PURPOSE = 'stream-ticket'

interface TicketKey {
  id: string
  secret: Uint8Array
}

interface SignerOptions {
  /** The key of all servers. Stores `fresh` if there is none yet. */
  readKey(purpose: string, fresh: Buffer): Promise<TicketKey>
}

/** The domain's `TicketSigner`. */
export function createTicketSigner({ readKey }: SignerOptions) {
  const key = () => readKey(PURPOSE, randomBytes(KEY_BYTES))
  return {
    async sign(claims: JsonObject, lifetimeSeconds: number): Promise<{ ticket: string; expiresAt: Date }> {
      const { id, secret } = await key()
      const expiresAt = new Date(Math.floor(Date.now() / 1000 + lifetimeSeconds) * 1000)
      const ticket = await new SignJWT(claims)
        .setProtectedHeader({ alg: ALGORITHM, typ: PURPOSE, kid: id })
        .setExpirationTime(expiresAt)
        .sign(secret)
      return { ticket, expiresAt }
    },

    async verify(ticket: string): Promise<JsonObject | null> {
      const { id, secret } = await key()
      try {
        const { payload, protectedHeader } = await jwtVerify(ticket, secret, {
          algorithms: [ALGORITHM],
          typ: PURPOSE,
          requiredClaims: ['exp'],
        })
        return protectedHeader.kid === id ? (payload as JsonObject) : null
      } catch (error) {
        if (error instanceof errors.JOSEError) return null
        throw error
      }
    },
  }
}
