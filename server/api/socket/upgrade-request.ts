import type { IncomingMessage } from 'node:http'
import { TLSSocket } from 'node:tls'

/** Whether the request says for which host it is, in a way that a URL can be made of. */
export function hasAddress(upgrade: IncomingMessage): boolean {
  return URL.canParse(...addressOf(upgrade))
}

/**
 * What `authenticate` is given for a call over a socket: the request that opened it, and the headers
 * that the client, since browsers can't set any on a WebSocket, sent as its first message.
 */
export function toRequest(upgrade: IncomingMessage, sent: NodeJS.Dict<string>): Request {
  const headers = new Headers()
  for (const [name, value] of Object.entries(upgrade.headersDistinct)) {
    for (const one of value ?? []) headers.append(name, one)
  }
  for (const [name, value] of Object.entries(sent)) {
    // What came with the request itself, perhaps from a proxy that has checked it, is not to be replaced.
    if (value === undefined || !isSettable(name) || !isValue(value)) continue
    if (!headers.has(name)) headers.set(name, value)
  }
  return new Request(new URL(...addressOf(upgrade)), { headers })
}

function addressOf({ url = '/', headers, socket }: IncomingMessage): [url: string, base: string] {
  const scheme = socket instanceof TLSSocket ? 'https' : 'http'
  return [url, `${scheme}://${headers.host ?? 'localhost'}`]
}

/** Those of the Fetch standard that no script may set. */
const FORBIDDEN = new Set([
  ...['accept-charset', 'accept-encoding', 'access-control-request-headers'],
  ...['access-control-request-method', 'connection', 'content-length', 'cookie', 'cookie2', 'date', 'dnt'],
  ...['expect', 'host', 'keep-alive', 'origin', 'referer', 'set-cookie', 'te', 'trailer'],
  ...['transfer-encoding', 'upgrade', 'via'],
])
/** And those by which proxies tell where a request is from: they saw the upgrade, not this. */
const FROM_PROXIES = /^(proxy-|sec-|forwarded$|x-forwarded-|x-real-ip$|x-client-ip$|true-client-ip$|cf-)/

function isSettable(name: string): boolean {
  const lower = name.toLowerCase()
  return /^[!#$%&'*+.^_`|~\w-]+$/.test(name) && !FORBIDDEN.has(lower) && !FROM_PROXIES.test(lower)
}

function isValue(value: string): boolean {
  // oxlint-disable-next-line no-control-regex -- exactly those may not be in a header
  return !/[\0\r\n]|[^\0-\xff]/.test(value)
}
