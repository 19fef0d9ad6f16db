import type { Logger } from '../../ports/logger.ts'
import type { RedisClient } from '../connect.ts'
import { reasonOf } from '../reason-of.ts'

const OLDEST = { major: 6, minor: 2 }

/** Warns once about each server whose settings endanger the queue, also when one server replaces another. */
export function checkServers(client: RedisClient, log: Logger): void {
  const checked = new Set<string>()
  client.on('ready', () => void check())

  /** Never rejects. Other code reports a server that does not answer. */
  async function check(): Promise<void> {
    const servers = 'nodes' in client ? client.nodes('master') : [client]
    await Promise.all(
      servers.map(async (server) => {
        try {
          checkServer(await server.info())
        } catch (error) {
          log.debug({ reason: reasonOf(error) }, 'the settings of Redis could not be checked')
        }
      }),
    )
  }

  function checkServer(info: string): void {
    const fieldOf = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1]
    const id = fieldOf('run_id') ?? ''
    if (checked.has(id)) return
    checked.add(id)
    const policy = fieldOf('maxmemory_policy')
    if (policy !== undefined && policy !== 'noeviction')
      log.warn({ policy }, 'Redis may throw away parts of the queue: set maxmemory-policy to noeviction')
    const version = fieldOf('redis_version')
    if (version !== undefined && isTooOld(version))
      log.warn({ version }, `Redis is too old for the queue: it needs ${OLDEST.major}.${OLDEST.minor}`)
    if (fieldOf('role') === 'slave')
      log.warn({}, 'Redis is a replica, which takes no deliveries: let REDIS_URL lead to the primary')
  }
}

function isTooOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major < OLDEST.major || (major === OLDEST.major && minor < OLDEST.minor)
}
