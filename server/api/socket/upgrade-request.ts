import type { IncomingMessage } from 'node:http'
import { TLSSocket } from 'node:tls'
import { AgentRuntimeError } from '../../contract/agent-runtime-error.ts'
import { shortened } from '../../contract/issues.ts'

/** What every client may say of itself, by way of its first message, since browsers can set no header on a socket. */
const SETTABLE = new Set(['authorization', 'x-anonymous-token'])
/** Names that an error repeats. */
const MAX_NAMES = 10

/** Whether the request says for which host it is, in a way that a `Request` can be made of: of a URL with a user in it none can. */
export function hasAddress(upgrade: IncomingMessage): boolean {
  const [url, base] = addressOf(upgrade)
  const address = URL.parse(url, base)
  return address !== null && address.username === '' && address.password === ''
}

/**
 * What `authenticate` is given for a call over a socket: the request that opened it, with the headers that the
 * client has sent since. A proxy strips headers by which it tells an application who somebody is, and does not
 * see these: only those can be set that are known to be nobody's but the caller's own.
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
    // What came with the request itself, perhaps from a proxy that has checked it, is not to be replaced.
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

/** What the socket was asked for at. */
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
