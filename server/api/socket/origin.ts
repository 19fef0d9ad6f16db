import type { IncomingHttpHeaders } from 'node:http'
import { isOwnOrigin, outermost } from '../public-url.ts'

/**
 * Whether the page that opens a socket may do so. Browsers send cookies with it whatever page asks, and
 * apply no CORS: without this, any site a user visits could follow that user's runs. Others than
 * browsers send no `Origin`, and nobody's cookies.
 *
 * @param allowed further origins, e.g. `https://app.example.com`; `*` for all.
 */
export function isAllowedOrigin(headers: IncomingHttpHeaders, allowed: readonly string[]): boolean {
  const { origin, host } = headers
  if (origin === undefined || allowed.includes('*') || allowed.includes(origin)) return true
  // A page can't set this header, so where it is there a proxy has: it tells the host the page asked for.
  const forwarded = String(headers['x-forwarded-host'] ?? '')
  return isOwnOrigin(origin, [host, outermost(forwarded)])
}
