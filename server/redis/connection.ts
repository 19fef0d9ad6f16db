// Connects to Redis, reports breaks in the log, and closes.
import type { Logger } from '../ports/logger.ts'
import type { RedisClient } from './connect.ts'
import { reasonOf } from './reason-of.ts'

interface Watch {
  log: Logger
  /** Once it aborts, breaks are expected and not logged. */
  stopping: AbortSignal
  /** For the log: how the runtime works while Redis is away. */
  meanwhile: string
}

/** Logs each break once, not each attempt to reconnect. */
export function reportBreaks(redis: RedisClient, { log, stopping, meanwhile }: Watch): void {
  let reason: string | undefined
  let isBroken = false
  redis.on('error', (error: unknown) => (reason = reasonOf(error)))
  redis.on('close', () => {
    if (stopping.aborted || isBroken) return
    isBroken = true
    log.warn({ reason }, `Redis is away; ${meanwhile}`)
  })
  redis.on('ready', () => {
    if (isBroken) log.info({}, 'Redis is back')
    isBroken = false
  })
}

/** Connects without failing, since a Redis that is away at start is treated as one that goes away later. */
export async function connect(redis: RedisClient, log: Logger): Promise<void> {
  await redis.connect().catch((error: unknown) => {
    log.debug({ reason: reasonOf(error) }, 'the first connection to Redis failed')
  })
}

export async function close(redis: RedisClient | undefined): Promise<void> {
  if (redis === undefined) return
  // Between two attempts there is no connection to wait for.
  const isOpen = redis.status === 'connecting' || redis.status === 'connect' || redis.status === 'ready'
  const ended = new Promise<void>((resolve) => redis.once('end', () => resolve()))
  redis.disconnect()
  if (isOpen) await ended
}
