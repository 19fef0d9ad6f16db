import type { Fault } from '../scene/scene.ts'
import type { Span } from './pause.ts'
import { pause } from './pause.ts'

/**
 * Resets every connection to PostgreSQL, in the middle of statements, which may have committed or not. Now
 * and then it refuses new connections for a while, and each new one breaks after some bytes.
 */
export function breakNetwork(every: Span): Fault {
  return async ({ postgres: { proxy }, random: seeded, signal, count }) => {
    const random = seeded.fork('break network')
    while (await pause(random, every, signal)) {
      proxy.cut()
      count('network cut')
      if (random.next() < 0.3) {
        proxy.refuse(true)
        count('connections refused for a while')
        await pause(random, [100, 800], signal)
        proxy.refuse(false)
      } else if (random.next() < 0.5) {
        proxy.cutAfter(() => Math.floor(random.between(500, 40_000)))
        count('connections broken in mid-answer for a while')
        await pause(random, [300, 1_000], signal)
        proxy.cutAfter(() => null)
      }
    }
  }
}
