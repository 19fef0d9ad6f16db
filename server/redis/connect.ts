import type { Cluster, Redis, RedisOptions } from 'ioredis'
import { ConfigError } from '../config/config-error.ts'
import { notEmpty } from './../ports/optional-peer.ts'
import { libraryMissing } from './library-missing.ts'

/** The address of Redis. */
export interface RedisAddress {
  url: string | undefined
  /** Whether the URL is that of a node of a Redis Cluster. */
  isCluster: boolean
  /** The setting that needs Redis, as an environment variable. */
  neededFor: string
}

/** A connection to a Redis, or those to the nodes of a cluster. */
export type RedisClient = Redis | Cluster

const RECONNECT_MIN_MS = 50
/** Limits the time until Redis is used again after it is back to half a second. */
const RECONNECT_MAX_MS = 400
/** If a network drops the first packet, a new attempt is made long before TCP would repeat the packet. */
const CONNECT_TIMEOUT_MS = 2_000

/** Opens connections. The library is an optional peer, which only users of Redis install. */
export async function loadRedis(
  { url, isCluster, neededFor }: RedisAddress,
  answerTimeoutMs: number,
): Promise<(name: string) => RedisClient> {
  if (url === undefined) throw new ConfigError(`REDIS_URL is not set: ${neededFor} needs it.`)
  const { Redis, Cluster } = await importIoredis(neededFor)
  const retryStrategy = (times: number) =>
    Math.min(RECONNECT_MIN_MS * 2 ** (times - 1), RECONNECT_MAX_MS) * (0.5 + Math.random() / 2)
  return (name) => {
    const options = {
      connectionName: `agent-runtime ${name}`,
      connectTimeout: Math.min(answerTimeoutMs, CONNECT_TIMEOUT_MS),
      socketTimeout: answerTimeoutMs,
      // Do not queue commands: by the time they could be sent, a poll has done their work.
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      // The bus subscribes itself, to know when the subscription is in effect.
      autoResubscribe: false,
    }
    if (!isCluster) return new Redis(url, { ...options, lazyConnect: true, retryStrategy })
    return new Cluster([url], {
      redisOptions: { ...options, ...secretsOf(url) },
      lazyConnect: true,
      clusterRetryStrategy: retryStrategy,
      enableOfflineQueue: false,
      slotsRefreshTimeout: CONNECT_TIMEOUT_MS,
    })
  }
}

/** The credentials, which the other nodes need too. */
function secretsOf(url: string): Pick<RedisOptions, 'username' | 'password' | 'tls'> {
  const { protocol, username, password } = new URL(url)
  return {
    ...(username !== '' && { username: decodeURIComponent(username) }),
    ...(password !== '' && { password: decodeURIComponent(password) }),
    ...(protocol === 'rediss:' && { tls: {} }),
  }
}

/** Redis cannot be reached. */
export class RedisAwayError extends Error {
  override readonly name = 'RedisAwayError'
}

async function importIoredis(neededFor: string) {
  try {
    return notEmpty(await import('ioredis'))
  } catch (error) {
    throw libraryMissing('ioredis', neededFor, error)
  }
}
