import { randomUUID } from 'node:crypto'
import type { RedisClient } from '../connect.ts'

// It consists of two: what the server calls itself, which changes when it starts again or another takes its place, having
// lost the last of what it was told; and a key beside the queue, which is gone when somebody has emptied the server.
const READ = `
  local server = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') or ''
  local key = redis.call('GET', KEYS[1])
  if not key then
    key = ARGV[1]
    redis.call('SET', KEYS[1], key)
  end
  return server .. '/' .. key`

/**
 * What the server that holds a queue says: something else than before when that may have lost deliveries.
 *
 * @param prefix of the queue's keys
 */
export async function readEpoch(client: RedisClient, prefix: string): Promise<string> {
  return String(await client.eval(READ, 1, `${prefix}:epoch`, randomUUID()))
}
