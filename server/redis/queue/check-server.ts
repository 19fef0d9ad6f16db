import type { Logger } from '../../ports/logger.ts'
import type { RedisClient } from '../connect.ts'
import { reasonOf } from '../reason-of.ts'

const OLDEST = { major: 6, minor: 2 }

/** Tells of a Redis that the queue can not rely on. Never rejects: one that does not answer is told of elsewhere. */
export async function checkServer(client: RedisClient, log: Logger): Promise<void> {
  try {
    const info = await client.info()
    const fieldOf = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1]
    const policy = fieldOf('maxmemory_policy')
    if (policy !== undefined && policy !== 'noeviction')
      log.warn({ policy }, 'Redis may throw away parts of the queue: set maxmemory-policy to noeviction')
    const version = fieldOf('redis_version')
    if (version !== undefined && isTooOld(version))
      log.warn({ version }, `Redis is too old for the queue: it needs ${OLDEST.major}.${OLDEST.minor}`)
  } catch (error) {
    log.debug({ reason: reasonOf(error) }, 'Redis was not asked what it is')
  }
}

function isTooOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major < OLDEST.major || (major === OLDEST.major && minor < OLDEST.minor)
}
