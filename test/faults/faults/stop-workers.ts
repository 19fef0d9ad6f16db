import type { Member } from '../scene/fleet.ts'
import type { Random } from '../scene/random.ts'
import type { Fault, Scene } from '../scene/scene.ts'
import type { Span } from './pause.ts'
import { pause } from './pause.ts'

/**
 * SIGSTOPs workers for longer than their lease and lets them go on: each of the first `count` again and
 * again. A process that stands still keeps its sessions, so that nothing but its lease tells.
 */
export function stopWorkers(count: number, { every, during }: { every: Span; during: Span }): Fault {
  return async (scene) => {
    const workers = scene.fleet.workers.slice(0, count)
    await Promise.all(
      workers.map(async (worker) => {
        const random = scene.random.fork(`stop ${worker.name}`)
        // Once at least, also under a load that is soon over.
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
