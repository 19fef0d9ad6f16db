import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../scene/random.ts'

export type Span = readonly [minMs: number, maxMs: number]

/**
 * Waits for a random time of the span.
 *
 * @returns false if the signal ended it
 */
export async function pause(random: Random, [minMs, maxMs]: Span, signal: AbortSignal): Promise<boolean> {
  await sleep(random.between(minMs, maxMs), undefined, { signal }).catch(() => {})
  return !signal.aborted
}
