import type { IncomingMessage } from 'node:http'
import { TLSSocket } from 'node:tls'
import { AgentRuntimeError } from '../../contract/agent-runtime-error.ts'
import { shortened } from '../../contract/issues.ts'

/** Headers that every client may send in its first message, since browsers cannot set headers on a socket. */
const SETTABLE = new Set(['authorization', 'x-anonymous-token'])
/** How many names an error repeats. */
const MAX_NAMES = 10

/**
 * Whether the request names its host in a form that a `Request` accepts. A URL with a user name is not
 * accepted.
 */
export function hasAddress(upgrade: IncomingMessage): boolean {
  const [url, base] = addressOf(upgrade)
  const address = URL.parse(url, base)
  return address !== null && address.username === '' && address.password === ''
}

/**
 * The request that `authenticate` gets for a call over a socket: the request that opened the socket, with the
 * headers that the client has sent since. A proxy strips headers by which it tells an application who
 * somebody is, but it does not see these. So a client can set only headers that no proxy uses for this.
 *
 * @param allowed further names, in lower case.
 * @throws AgentRuntimeError `forbidden` when the client sent others.
 */
export function toRequest(
  upgrade: IncomingMessage,
  sent: Readonly<Record<string, string>>,
  allowed: readonly string[],
): Request {
  const headers = new Headers()
  for (const [name, value] of Object.entries(upgrade.headersDistinct)) {
    for (const one of value ?? []) headers.append(name, one)
  }
  const refused: string[] = []
  for (const [given, value] of Object.entries(sent)) {
    const name = given.toLowerCase()
    if (!SETTABLE.has(name) && !allowed.includes(name)) refused.push(given)
    else if (!isValue(value)) refused.push(given)
    // Headers of the request itself, perhaps from a proxy that has checked the caller, are not replaced.
    else if (!headers.has(name)) headers.set(name, value)
  }
  if (refused.length > 0) throw notSettable(refused)
  return new Request(urlOf(upgrade), { headers })
}

function notSettable(names: readonly string[]): AgentRuntimeError {
  const refusedHeaders = names.slice(0, MAX_NAMES).map(shortened)
  return new AgentRuntimeError(
    'forbidden',
    `Over a socket a client can't set ${refusedHeaders.join(', ')}. The setting socketHeaders names headers that it can.`,
    { details: { refusedHeaders } },
  )
}

/** The URL that opened the socket. */
export function urlOf(upgrade: IncomingMessage): string {
  return new URL(...addressOf(upgrade)).href
}

function addressOf({ url = '/', headers, socket }: IncomingMessage): [url: string, base: string] {
  const scheme = socket instanceof TLSSocket ? 'https' : 'http'
  return [url, `${scheme}://${headers.host ?? 'localhost'}`]
}

function isValue(value: string): boolean {
  // oxlint-disable-next-line no-control-regex -- exactly those may not be in a header
  return !/[\0\r\n]|[^\0-\xff]/.test(value)
}
