import { defineAgent } from '../../../../server/index.ts'
import type { Settings } from '../../../../server/index.ts'
import type { TestRedis } from '../../../support/redis.ts'

export const echo = defineAgent({ key: 'echo', run: async () => ({ output: 'done' }) })

export const inRedis = ({ url }: { url: string }): Settings => ({ queueBackend: 'redis', redisUrl: url })

/** The prefix of the keys of an agent's queue, in a Redis with one installation. */
export function prefixIn(redis: TestRedis, agentKey: string): string {
  const [key = ''] = redis.cli('KEYS', `*:${agentKey}}:epoch`).split('\n')
  return key.slice(0, -':epoch'.length)
}

export const jobsIn = (redis: TestRedis, agentKey: string): string[] =>
  redis
    .cli('KEYS', `${prefixIn(redis, agentKey)}:${agentKey}:????????-*`)
    .split('\n')
    .filter((line) => line !== '' && !line.endsWith(':lock'))
