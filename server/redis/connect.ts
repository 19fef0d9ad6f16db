import type { Redis, RedisOptions } from 'ioredis'
import { StartupError } from '../ports/startup-error.ts'

const RECONNECT_MIN_MS = 50
/** Hints are used again within half a second of Redis' being back. */
const RECONNECT_MAX_MS = 400
/** A network that swallows the first packet is asked again long before that would be repeated. */
const CONNECT_TIMEOUT_MS = 2_000

/** Opens connections to one Redis. The library is an optional peer: only who uses Redis installs it. */
export async function loadRedis(url: string, answerTimeoutMs: number): Promise<(name: string) => Redis> {
  const { Redis } = await importIoredis()
  return (name) =>
    new Redis(url, {
      connectionName: `agent-runtime ${name}`,
      lazyConnect: true,
      connectTimeout: Math.min(answerTimeoutMs, CONNECT_TIMEOUT_MS),
      socketTimeout: answerTimeoutMs,
      retryStrategy: (times) =>
        Math.min(RECONNECT_MIN_MS * 2 ** (times - 1), RECONNECT_MAX_MS) * (0.5 + Math.random() / 2),
      // What can't be sent now is of no use later: whoever waits for it has looked by then.
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      // Subscribing is ours, to know when it is in effect.
      autoResubscribe: false,
    })
}

type Ioredis = { Redis: new (url: string, options: RedisOptions) => Redis }

async function importIoredis(): Promise<Ioredis> {
  try {
    return await import('ioredis')
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND')) throw cause
    throw new StartupError('EVENT_BUS_BACKEND=redis needs the package "ioredis": npm install ioredis', {
      cause,
    })
  }
}
