import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from '../scene/scene.ts'
import type { Span } from './pause.ts'
import { pause } from './pause.ts'

/** Longer than its clients wait for it when they connect. */
const AWAY: Span = [100, 2_500]

/** In turn, empties Redis, kills it (it keeps nothing) and stops it. It comes back each time. */
export function loseRedis(every: Span): Fault {
  return async ({ redis, random: seeded, signal, count }) => {
    if (redis === undefined) return
    const random = seeded.fork('lose redis')
    const away = () => sleep(random.between(...AWAY))
    const kinds = [
      async () => {
        redis.cli('FLUSHALL')
        count('Redis emptied')
      },
      async () => {
        await redis.kill()
        await away()
        await redis.start()
        count('Redis killed')
      },
      async () => {
        redis.signal('SIGSTOP')
        await away()
        redis.signal('SIGCONT')
        count('Redis frozen')
      },
    ]
    for (let turn = 0; await pause(random, every, signal); turn += 1) await kinds[turn % kinds.length]?.()
  }
}
