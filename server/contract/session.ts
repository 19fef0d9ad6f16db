import { z } from 'zod'

/** The session of a visitor without an account. */
export interface AnonymousSession {
  /** 256 random bits as base64url. Everybody who has the token is this visitor. It is shown only once. */
  token: string
  /** ISO 8601. */
  expiresAt: string
}

/** Longer tokens are never valid. */
const MAX_TOKEN_CHARACTERS = 512

export const SessionToken = z.string().min(1).max(MAX_TOKEN_CHARACTERS)

export const ClaimInput = z.strictObject({
  /** The token of the visitor who has signed in. */
  token: SessionToken,
})
export type ClaimInput = z.infer<typeof ClaimInput>

/** How many conversations and runs went from the visitor to the user. */
export interface Claimed {
  conversations: number
  runs: number
}
