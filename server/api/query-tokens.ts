// A browser's EventSource and WebSocket cannot set headers, so a request that opens a stream may have a token
// in its URL.
import { QUERY_SECRETS } from '../ports/query-secrets.ts'
import type { RuntimePaths } from './runtime-paths.ts'
import { isSubscriptionPath } from './subscription-paths.ts'

export interface Asked {
  /** Returns the request with the tokens of its URL as headers; the same request if it has none. */
  request: Request
  /** `?token=`, which may be a token for `authenticate` or a visitor's. */
  token: string | null
}

/** @returns the request as if its client could set headers. Tokens in other URLs are ignored. */
export function readQueryTokens(request: Request, paths: Pick<RuntimePaths, 'restPath' | 'trpcPath'>): Asked {
  // Most requests have none and need no further check.
  if (!SUSPECT.test(request.url)) return { request, token: null }
  const url = new URL(request.url)
  if (request.method !== 'GET' || !opensStream(url.pathname, paths)) return { request, token: null }
  const { searchParams } = url
  const headers = new Headers(request.headers)
  const visitorsToken = searchParams.get('anonymous_token')
  // Some clients send a visitor's token under both names.
  const token = searchParams.get('token') === visitorsToken ? null : searchParams.get('token')
  // They are removed before the application's code sees the URL, since it may log URLs.
  for (const name of QUERY_SECRETS) searchParams.delete(name)
  if (visitorsToken !== null) setUnlessThere(headers, 'x-anonymous-token', ['', visitorsToken])
  const isTaken = token !== null && setUnlessThere(headers, 'authorization', ['Bearer ', token])
  return { request: new Request(url, { headers, signal: request.signal }), token: isTaken ? token : null }
}

const SUSPECT = new RegExp(`[?&](?:${QUERY_SECRETS.join('|')})=`)

/** A header takes precedence over the URL. */
function setUnlessThere(
  headers: Headers,
  name: string,
  [scheme, token]: [scheme: string, token: string],
): boolean {
  if (headers.has(name) || !WORD.test(token)) return false
  headers.set(name, `${scheme}${token}`)
  return true
}

const WORD = /^[\x21-\x7e]+$/

const REST_STREAM = /^\/(?:runs|conversations)\/[^/]+\/events(?:\/stream)?\/?$/

/** A WebSocket uses the path of tRPC itself. */
function opensStream(
  path: string,
  { restPath, trpcPath }: Pick<RuntimePaths, 'restPath' | 'trpcPath'>,
): boolean {
  if (path === trpcPath || path === `${trpcPath}/`) return true
  if (path.startsWith(`${trpcPath}/`) && isSubscriptionPath(path.slice(trpcPath.length + 1))) return true
  return path.startsWith(`${restPath}/`) && REST_STREAM.test(path.slice(restPath.length))
}
