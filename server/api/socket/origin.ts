import type { IncomingHttpHeaders } from 'node:http'
import { isOwnOrigin, outermost } from '../public-url.ts'

/**
 * Whether the page that opens a socket may do so. Browsers send cookies whatever page opens it, and CORS does
 * not apply. Without this check, any site that a user visits could follow that user's runs. Clients other
 * than browsers send no `Origin`, and no cookies of other people.
 *
 * @param allowed further origins, e.g. `https://app.example.com`; `*` for all.
 */
export function isAllowedOrigin(headers: IncomingHttpHeaders, allowed: readonly string[]): boolean {
  const { origin, host } = headers
  if (origin === undefined || allowed.includes('*') || allowed.includes(origin)) return true
  // A page cannot set this header, so a proxy has set it. It names the host of the request.
  const forwarded = String(headers['x-forwarded-host'] ?? '')
  return isOwnOrigin(origin, [host, outermost(forwarded)])
}
