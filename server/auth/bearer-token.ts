/** `Bearer` is RFC 6750; many Python clients send `Token`. One word follows. */
const SCHEME = /^(?:bearer|token) +([^\s]+) *$/i

/**
 * The token of a request: from `Authorization: Bearer …` or `Authorization: Token …`.
 *
 * @returns null if there is none.
 */
export function bearerToken(request: Request): string | null {
  return SCHEME.exec(request.headers.get('authorization') ?? '')?.[1] ?? null
}
