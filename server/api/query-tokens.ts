// An EventSource and a WebSocket of a browser can set no header: what opens a stream may say in its URL who asks.
import { QUERY_SECRETS } from '../ports/query-secrets.ts'
import type { RuntimePaths } from './runtime-paths.ts'
import { isSubscriptionPath } from './subscription-paths.ts'

export interface Asked {
  /** With the tokens of its URL as headers; the request itself where it has none. */
  request: Request
  /** `?token=`: it may be one that `authenticate` knows, or a visitor's. */
  token: string | null
}

/** @returns the request as it would be if its client could set headers. Of what opens no stream, what the URL says counts for nothing. */
export function readQueryTokens(request: Request, paths: Pick<RuntimePaths, 'restPath' | 'trpcPath'>): Asked {
  // Most have none, and are not looked at any closer.
  if (!SUSPECT.test(request.url)) return { request, token: null }
  const url = new URL(request.url)
  if (request.method !== 'GET' || !opensStream(url.pathname, paths)) return { request, token: null }
  const { searchParams } = url
  const headers = new Headers(request.headers)
  const visitorsToken = searchParams.get('anonymous_token')
  // There are clients that send a visitor's token by both names.
  const token = searchParams.get('token') === visitorsToken ? null : searchParams.get('token')
  // The application's own code is not shown them: it may write down what it is asked.
  for (const name of QUERY_SECRETS) searchParams.delete(name)
  if (visitorsToken !== null) setUnlessThere(headers, 'x-anonymous-token', ['', visitorsToken])
  const isTaken = token !== null && setUnlessThere(headers, 'authorization', ['Bearer ', token])
  return { request: new Request(url, { headers, signal: request.signal }), token: isTaken ? token : null }
}

const SUSPECT = new RegExp(`[?&](?:${QUERY_SECRETS.join('|')})=`)

/** What came as a header goes before what the URL says. */
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

/** Of a WebSocket it is the path of tRPC itself. */
function opensStream(
  path: string,
  { restPath, trpcPath }: Pick<RuntimePaths, 'restPath' | 'trpcPath'>,
): boolean {
  if (path === trpcPath || path === `${trpcPath}/`) return true
  if (path.startsWith(`${trpcPath}/`) && isSubscriptionPath(path.slice(trpcPath.length + 1))) return true
  return path.startsWith(`${restPath}/`) && REST_STREAM.test(path.slice(restPath.length))
}
