import { setTimeout as sleep } from 'node:timers/promises'
import type { ScenePostgres } from './postgres.ts'

const LOOK_EVERY_MS = 200

/** Waits until every run is over and the queue has forgotten every delivery. */
export async function untilQuiet(
  { sql }: ScenePostgres,
  { timeoutMs }: { timeoutMs: number },
): Promise<void> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const left = await sql<{ what: string; count: number }>(LEFT)
    if (left.length === 0) return
    if (performance.now() > deadline)
      throw new Error(`not quiet after ${timeoutMs} ms: ${JSON.stringify(left)}`)
    await sleep(LOOK_EVERY_MS)
  }
}

const LEFT = `
  SELECT 'run ' || agent_key || ' ' || status AS what, count(*)::int AS count
  FROM agent_runtime.run WHERE status IN ('queued', 'running', 'waiting') GROUP BY 1
  UNION ALL
  SELECT 'delivery ' || name || ' ' || state || ' of ' || count(DISTINCT data) || ' runs', count(*)::int
  FROM agent_runtime_queue.job WHERE state < 'completed' GROUP BY name, state`
