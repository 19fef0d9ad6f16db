// Sends webhooks by https://www.standardwebhooks.com. It connects to the very address that was checked.
import { lookup as lookUp } from 'node:dns'
import { request as requestPlain } from 'node:http'
import type { RequestOptions } from 'node:http'
import { request as requestSecure } from 'node:https'
import { isIP } from 'node:net'
import type { LookupFunction } from 'node:net'
import { Webhook } from 'standardwebhooks'
import type { SendWebhook, WebhookEndpoint } from '../ports/webhooks.ts'
import { isPublicAddress } from './public-address.ts'

/** The time for looking up, connecting and the beginning of the answer together. */
const TIMEOUT_MS = 15_000

const NOT_PUBLIC = 'Its address is not public: allowPrivate lets it be.'

/** All addresses of a name have to be public, whichever is taken. */
const publicOnly: LookupFunction = (hostname, options, callback) => {
  lookUp(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, '')
    const [first] = addresses
    if (first === undefined || !addresses.every(({ address }) => isPublicAddress(address))) {
      return callback(new Error(NOT_PUBLIC), '')
    }
    if (options.all === true) callback(null, addresses)
    else callback(null, first.address, first.family)
  })
}

export const sendWebhook: SendWebhook = async (endpoint, { id, body }, signal) => {
  try {
    const status = await post(endpoint, { headers: signedHeaders(endpoint, id, body), body, signal })
    const isTaken = status >= 200 && status < 300
    return { status, error: isTaken ? null : `It answered with ${status}.` }
  } catch (error) {
    return { status: null, error: (error instanceof Error ? error.message : String(error)).slice(0, 500) }
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

/** @returns the status of the answer. Of its body nothing is read, and where it leads nobody goes. */
function post(
  { url, allowPrivate }: WebhookEndpoint,
  { headers, body, signal }: { headers: Record<string, string>; body: string; signal: AbortSignal },
): Promise<number> {
  const target = new URL(url)
  const host = target.hostname.replace(/^\[|\]$/g, '')
  // A name is looked up. An address is used as it is.
  if (allowPrivate !== true && isIP(host) !== 0 && !isPublicAddress(host)) throw new Error(NOT_PUBLIC)
  const options: RequestOptions = {
    method: 'POST',
    headers,
    agent: false,
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    ...(allowPrivate === true ? {} : { lookup: publicOnly }),
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
