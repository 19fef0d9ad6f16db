import type { Authenticator } from './authenticator.ts'

/**
 * Asks one after the other until one knows the caller.
 *
 * @example
 * authenticate: firstOf(jwt({ … }), apiKeys({ … }), sessionCookie)
 */
export function firstOf(...authenticators: readonly Authenticator[]): Authenticator {
  return async (request) => {
    for (const authenticate of authenticators) {
      const principal = await authenticate(request)
      // The runtime refuses an answer that is no principal.
      if (principal !== null && principal !== undefined) return principal
    }
    return null
  }
}
