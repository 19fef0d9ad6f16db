import { randomBytes } from 'node:crypto'
import type { QueueState } from '../../ports/queue.ts'
import type { RedisClient } from '../connect.ts'

// An epoch has two parts. The first is the server's run id. It changes when the server restarts or is replaced, and may
// have lost its last writes. The second is a key beside the queue, which is gone when the server was emptied.
const INSPECT = `
  local server = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') or ''
  local states = {}
  for index = 1, #KEYS, 4 do
    local key = redis.call('GET', KEYS[index])
    if not key then
      key = ARGV[1]
      redis.call('SET', KEYS[index], key)
    end
    states[#states + 1] = server .. '/' .. key
    states[#states + 1] = redis.call('LLEN', KEYS[index + 1]) + redis.call('ZCARD', KEYS[index + 2])
    states[#states + 1] = redis.call('LLEN', KEYS[index + 3])
  end
  return states`

/** The most queues that one script reads: Redis serves no other client meanwhile. */
const MAX_AT_ONCE = 100

/** The keys of a queue as BullMQ names them, and the runtime's own key `epoch`. */
export interface QueueKeys {
  epoch: string
  wait: string
  prioritized: string
  active: string
}

export interface InspectedQueue extends QueueState {
  /** How many deliveries can be taken. */
  waiting: number
  /** How many were taken. The processes that took them may have died since. */
  active: number
}

/**
 * Inspects the queues. Nodes of a cluster that do not answer are left out. @throws the first error when none answers
 */
export async function inspect(
  client: RedisClient,
  queues: ReadonlyMap<string, QueueKeys>,
): Promise<Map<string, InspectedQueue>> {
  // In a cluster a script may only use the keys of one queue, since those of others may be on another node.
  const groups = chunked([...queues], client.isCluster ? 1 : MAX_AT_ONCE)
  const results = await Promise.allSettled(groups.map((group) => inspectTogether(client, group)))
  const answers = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const failed = results.find((result) => result.status === 'rejected')
  if (answers.length === 0 && failed !== undefined) throw failed.reason
  return new Map(answers.flat())
}

async function inspectTogether(
  client: RedisClient,
  queues: readonly (readonly [string, QueueKeys])[],
): Promise<[string, InspectedQueue][]> {
  const keys = queues.flatMap(([, { epoch, wait, prioritized, active }]) => [
    epoch,
    wait,
    prioritized,
    active,
  ])
  const states = (await client.eval(INSPECT, keys.length, ...keys, newKey())) as (string | number)[]
  return queues.map(([name], index) => {
    const [epoch, waiting, active] = states.slice(index * 3).map(String)
    return [
      name,
      {
        epoch: epoch ?? '',
        waiting: Number(waiting),
        active: Number(active),
        deliveries: Number(waiting) + Number(active),
      },
    ]
  })
}

/** Gives a queue a new epoch. */
export async function renewEpoch(client: RedisClient, { epoch }: QueueKeys): Promise<void> {
  await client.set(epoch, newKey())
}

/** The part of an epoch that survives a restart of the server. The ids of jobs contain it. */
export function keyOf(epoch: string): string {
  return epoch.slice(epoch.indexOf('/') + 1)
}

const newKey = (): string => randomBytes(6).toString('hex')

function chunked<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  )
}
