// API keys for programs. A key is 256 random bits, so nobody can guess it from its SHA-256. The lookup uses
// the SHA-256, so its duration reveals nothing about the key.
import { createHash, randomBytes } from 'node:crypto'
import { ConfigError } from '../config/config-error.ts'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import type { Principal } from '../contract/principal.ts'
import type { Authenticator } from './authenticator.ts'
import { bearerToken } from './bearer-token.ts'

const DEFAULT_PREFIX = 'ar_'
const KEY_BYTES = 32

export interface ApiKeysOptions {
  /**
   * Returns the owner of the key with this SHA-256 (64 hexadecimal digits), or null if there is none. Look it
   * up in your own table, which should not contain the keys themselves.
   */
  lookup(hash: string): Principal | null | undefined | Promise<Principal | null | undefined>
  /** The beginning of every key, which tells it from other tokens. Default: `ar_`. */
  prefix?: string
  /** A header that may carry the key too, besides `Authorization: Bearer …` and `Token …`. Default: `x-api-key`. */
  header?: string
}

/**
 * Authenticates programs by an API key.
 *
 * @example
 * authenticate: apiKeys({ lookup: (hash) => db.apiKey.findUnique({ where: { hash } }).then((key) => key && { id: key.ownerId, tenantId: key.teamId, kind: 'user' }) })
 */
export function apiKeys({
  lookup,
  prefix = DEFAULT_PREFIX,
  header = 'x-api-key',
}: ApiKeysOptions): Authenticator {
  if (prefix === '') throw new ConfigError('apiKeys: prefix must not be empty.')
  return async (request) => {
    const key = request.headers.get(header) ?? bearerToken(request)
    if (key === null || !key.startsWith(prefix)) return null
    const principal = await lookup(hashApiKey(key))
    if (principal) return principal
    throw new AgentRuntimeError('unauthorized', 'There is no such API key.')
  }
}

/**
 * Makes a new key, and the hash to store. Show the key once to its owner.
 *
 * @example
 * const { key, hash } = createApiKey()
 * await db.apiKey.create({ data: { hash, ownerId: user.id } })
 */
export function createApiKey(prefix: string = DEFAULT_PREFIX): { key: string; hash: string } {
  const key = prefix + randomBytes(KEY_BYTES).toString('base64url')
  return { key, hash: hashApiKey(key) }
}

/** SHA-256 of a key, as 64 hexadecimal digits. */
export function hashApiKey(key: string): string {
  return createHash('sha256').update(key).digest('hex')
}
