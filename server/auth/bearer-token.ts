/** `Bearer` by RFC 6750, `Token` as many Python clients send it. What follows is one word. */
const SCHEME = /^(?:bearer|token) +([^\s]+) *$/i

/**
 * The token of a request: from `Authorization: Bearer …` or `Authorization: Token …`.
 *
 * @returns null without one.
 */
export function bearerToken(request: Request): string | null {
  return SCHEME.exec(request.headers.get('authorization') ?? '')?.[1] ?? null
}
