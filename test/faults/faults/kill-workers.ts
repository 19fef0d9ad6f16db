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
    for (let span = FIRST; await pause(random, span, scene.signal); span = every) {
      const { ready = [], starting = [] } = Object.groupBy(scene.fleet.workers, ({ isReady }) =>
        isReady ? 'ready' : 'starting',
      )
      const victims = starting.length > 0 && random.next() < WHILE_STARTING ? starting : ready.slice(0, -1)
      if (victims.length === 0) continue
      await scene.lose(random.pick(victims), 'killed')
      scene.count('worker killed')
    }
  }
}
