import type { Cluster, Redis, RedisOptions } from 'ioredis'
import { ConfigError } from '../config/config.ts'
import { notEmpty } from './../ports/optional-peer.ts'
import { libraryMissing } from './library-missing.ts'

/** Where Redis is. */
export interface RedisAddress {
  url: string | undefined
  /** A Redis Cluster, of which the URL is a node. */
  isCluster: boolean
  /** The environment variable of the setting that needs it. */
  neededFor: string
}

/** A connection to a Redis, or those to the nodes of a cluster. */
export type RedisClient = Redis | Cluster

const RECONNECT_MIN_MS = 50
/** Redis is used again within half a second after it is back. */
const RECONNECT_MAX_MS = 400
/** Where a network drops the first packet, the next attempt comes long before TCP would repeat it. */
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
      // A command that can't be sent now is of no use later, since a look has done its work by then.
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

/** Redis is not there. */
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
