import type { Member } from '../scene/fleet.ts'
import type { Fault } from '../scene/scene.ts'
import type { Span } from './pause.ts'
import { pause } from './pause.ts'

/** Early, so that a small load also sees a kill. */
const FIRST: Span = [300, 800]

/** The share of kills that hit a worker while it starts, if there is one. */
const WHILE_STARTING = 0.15

/**
 * SIGKILLs the workers in turn, whatever they do; each is started again. One is spared while all others
 * start, since otherwise a slow machine would finish nothing.
 */
export function killWorkers(every: Span): Fault {
  return async (scene) => {
    const random = scene.random.fork('kill workers')
    // A start that is slower than the kills must end once, or the worker would never work again.
    const spared = new Set<Member>()
    for (let span = FIRST; await pause(random, span, scene.signal); span = every) {
      const { ready = [], starting = [] } = Object.groupBy(scene.fleet.workers, ({ isReady }) =>
        isReady ? 'ready' : 'starting',
      )
      for (const worker of ready) spared.delete(worker)
      const young = starting.filter((worker) => !spared.has(worker))
      const victims = young.length > 0 && random.next() < WHILE_STARTING ? young : ready.slice(0, -1)
      if (victims.length === 0) continue
      const victim = random.pick(victims)
      if (!victim.isReady) spared.add(victim)
      await scene.lose(victim, 'killed')
      scene.count('worker killed')
    }
  }
}
