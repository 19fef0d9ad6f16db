import type { Member } from '../scene/fleet.ts'
import type { Random } from '../scene/random.ts'
import type { Fault, Scene } from '../scene/scene.ts'
import type { Span } from './pause.ts'
import { pause } from './pause.ts'

/**
 * SIGSTOPs each of the first `count` workers for longer than its lease, and continues it, again and again. A
 * stopped process keeps its sessions, so only its lease shows it.
 */
export function stopWorkers(count: number, { every, during }: { every: Span; during: Span }): Fault {
  return async (scene) => {
    const workers = scene.fleet.workers.slice(0, count)
    await Promise.all(
      workers.map(async (worker) => {
        const random = scene.random.fork(`stop ${worker.name}`)
        // At least once, also if the load is short.
        do await stop(worker, { scene, random, during })
        while (await pause(random, every, scene.signal))
      }),
    )
  }
}

async function stop(
  worker: Member,
  { scene, random, during }: { scene: Scene; random: Random; during: Span },
): Promise<void> {
  const toTheEnd = new AbortController().signal
  await pause(random, [500, 1_500], toTheEnd)
  const { process } = worker
  const loss = await scene.lose(worker, 'stopped')
  scene.count('worker stopped')
  await pause(random, during, toTheEnd)
  loss.resumedAt = Date.now()
  process.killAll('SIGCONT')
}
