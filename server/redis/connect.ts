import type { Cluster, Redis, RedisOptions } from 'ioredis'
import { ConfigError } from '../config/config.ts'
import { notEmpty } from './../ports/optional-peer.ts'
import { libraryMissing } from './library-missing.ts'

/** Where Redis is. */
export interface RedisAddress {
  url: string | undefined
  /** A Redis Cluster, of which the URL is a node. */
  isCluster: boolean
  /** The setting that needs it, as the environment has it. */
  neededFor: string
}

/** A connection to a Redis, or those to the nodes of a cluster. */
export type RedisClient = Redis | Cluster

const RECONNECT_MIN_MS = 50
/** Redis is used again within half a second of its being back. */
const RECONNECT_MAX_MS = 400
/** A network that swallows the first packet is asked again long before that would be repeated. */
const CONNECT_TIMEOUT_MS = 2_000

/** Opens connections. The library is an optional peer: only who uses Redis installs it. */
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
      // What can't be sent now is of no use later: whoever waits for it has looked by then.
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      // Subscribing is ours, to know when it is in effect.
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

/** What the other nodes want to be told too. */
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
