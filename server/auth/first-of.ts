import type { Authenticator } from './authenticator.ts'

/**
 * Asks the authenticators in order until one of them knows the caller.
 *
 * @example
 * authenticate: firstOf(jwt({ … }), apiKeys({ … }), sessionCookie)
 */
export function firstOf(...authenticators: readonly Authenticator[]): Authenticator {
  return async (request) => {
    for (const authenticate of authenticators) {
      const principal = await authenticate(request)
      // The runtime refuses an answer that is not a principal.
      if (principal !== null && principal !== undefined) return principal
    }
    return null
  }
}
