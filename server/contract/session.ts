import { z } from 'zod'

/** What a visitor without an account is let in with. */
export interface AnonymousSession {
  /** 256 random bits as base64url. Whoever has it is the visitor; it can't be had again. */
  token: string
  /** ISO 8601. */
  expiresAt: string
}

/** Longer ones are nobody's. */
const MAX_TOKEN_CHARACTERS = 512

export const SessionToken = z.string().min(1).max(MAX_TOKEN_CHARACTERS)

export const ClaimInput = z.strictObject({
  /** Of the visitor who has signed in. */
  token: SessionToken,
})
export type ClaimInput = z.infer<typeof ClaimInput>

/** What was a visitor's and is a user's now. */
export interface Claimed {
  conversations: number
  runs: number
}
