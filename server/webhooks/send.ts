// Sends webhooks by https://www.standardwebhooks.com. It connects to the same address that it checked, so a name cannot
// change its address in between.
import type { LookupAddress } from 'node:dns'
import { lookup } from 'node:dns/promises'
import { request as requestPlain } from 'node:http'
import type { RequestOptions } from 'node:http'
import { request as requestSecure } from 'node:https'
import { isIP } from 'node:net'
import type { LookupFunction } from 'node:net'
import { callbackify } from 'node:util'
import { Webhook } from 'standardwebhooks'
import type { SendWebhook, WebhookEndpoint } from '../ports/webhooks.ts'
import { findAddresses } from './find-addresses.ts'
import { isPublicAddress } from './public-address.ts'

/** Limit for the look-up, the connection and the beginning of the answer together. */
const TIMEOUT_MS = 15_000

const NOT_PUBLIC = 'Its address is not public. The setting allowPrivate permits that.'

type Find = (host: string, signal: AbortSignal) => Promise<LookupAddress[]>

/**
 * Sends to the application's endpoints. The system resolves their names, like those of the application's other hosts.
 */
export const sendWebhook = createSend((host) => lookup(host, { all: true }))

/** Sends to endpoints that callers name. */
export const sendCallerWebhook = createSend(findAddresses)

function createSend(find: Find): SendWebhook {
  return async (endpoint, { id, body }, stopped) => {
    const signal = AbortSignal.any([stopped, AbortSignal.timeout(TIMEOUT_MS)])
    try {
      const headers = signedHeaders(endpoint, id, body)
      const status = await post(endpoint, { headers, body, signal, find })
      const isTaken = status >= 200 && status < 300
      return { status, error: isTaken ? null : `It answered with ${status}.` }
    } catch (error) {
      return { status: null, error: (error instanceof Error ? error.message : String(error)).slice(0, 500) }
    }
  }
}

/** Every address of a name must be public, whichever is used. */
function lookUpBy(
  find: Find,
  { signal, allowPrivate }: { signal: AbortSignal; allowPrivate: boolean },
): LookupFunction {
  const findAll = callbackify(async (host: string) => {
    const addresses = await find(host, signal)
    const isAllowed = allowPrivate || addresses.every(({ address }) => isPublicAddress(address))
    if (!isAllowed) throw new Error(NOT_PUBLIC)
    return addresses
  })
  return (hostname, { all }, callback) => {
    findAll(hostname, (error, addresses) => {
      if (error !== null) return callback(error, '')
      const [first] = addresses
      if (all === true || first === undefined) callback(null, addresses)
      else callback(null, first.address, first.family)
    })
  }
}

function signedHeaders({ secrets }: WebhookEndpoint, id: string, body: string): Record<string, string> {
  const now = new Date()
  const signatures = secrets.flatMap((secret) =>
    secret === undefined ? [] : [new Webhook(secret).sign(id, now, body)],
  )
  return {
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    'user-agent': 'agent-runtime',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
    'webhook-signature': signatures.join(' '),
  }
}

/** @returns the status of the answer. The body is not read, and redirects are not followed. */
function post(
  { url, allowPrivate = false }: WebhookEndpoint,
  {
    headers,
    body,
    signal,
    find,
  }: { headers: Record<string, string>; body: string; signal: AbortSignal; find: Find },
): Promise<number> {
  const target = new URL(url)
  const host = target.hostname.replace(/^\[|\]$/g, '')
  // An address is checked here. A name is checked when it is looked up.
  if (!allowPrivate && isIP(host) !== 0 && !isPublicAddress(host)) throw new Error(NOT_PUBLIC)
  const options: RequestOptions = {
    method: 'POST',
    headers,
    agent: false,
    signal,
    lookup: lookUpBy(find, { signal, allowPrivate }),
  }
  return new Promise((resolve, reject) => {
    const request = (target.protocol === 'https:' ? requestSecure : requestPlain)(
      target,
      options,
      (answer) => {
        resolve(answer.statusCode ?? 0)
        answer.destroy()
      },
    )
    request.on('error', reject)
    request.end(body)
  })
}
