import { descendantsOf } from '../../support/processes.ts'
import type { TestRedis } from '../../support/redis.ts'
import type { Fleet, Member } from './fleet.ts'
import type { Loss } from './losses.ts'
import { heldBy } from './losses.ts'
import type { ScenePostgres } from './postgres.ts'
import type { Random } from './random.ts'

/** What a fault may attack. */
export interface Scene {
  readonly postgres: ScenePostgres
  /** The Redis of the queue, if the queue is there. */
  readonly redis: TestRedis | undefined
  readonly fleet: Fleet
  readonly random: Random
  /** Aborts when the fault must stop, and repair what it broke. */
  readonly signal: AbortSignal
  /** For the report: how often it did what. */
  count(what: string): void
  /** Kills or stops a worker with its processes, and records the runs it had. */
  lose(worker: Member, how: Loss['how']): Promise<Loss>
}

/** Continues until the scene's signal aborts. */
export type Fault = (scene: Scene) => Promise<void>

export interface SceneLog {
  counts: Map<string, number>
  losses: Loss[]
}

export function createScene(
  parts: Pick<Scene, 'postgres' | 'redis' | 'fleet' | 'random' | 'signal'>,
): Scene & SceneLog {
  const counts = new Map<string, number>()
  const losses: Loss[] = []
  return {
    ...parts,
    counts,
    losses,
    count: (what) => void counts.set(what, (counts.get(what) ?? 0) + 1),
    async lose(worker, how) {
      const { pid, killAll } = worker.process
      const at = Date.now()
      const processes = descendantsOf(pid)
      killAll(how === 'killed' ? 'SIGKILL' : 'SIGSTOP')
      const loss = { how, at, pid, held: await heldBy(processes, parts.postgres) }
      losses.push(loss)
      return loss
    },
  }
}
