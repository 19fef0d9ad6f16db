// The agents of both sides. The floor's worker and the system's run the same functions.
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { stampContent } from './stamp.ts'

export type EventType = 'assistant.message' | 'assistant.delta'

/** Resolves when the next event may be emitted. */
type Emit = (type: EventType, payload: { messageId: string; content: string }) => Promise<void>

export interface StreamParams {
  /** Messages stay rows of their own. Adjacent deltas may be joined. */
  type: EventType
  /** How many events are emitted at the start, as fast as they are taken. */
  atOnce: number
  /** The rate after that, until {@link endStreams}. Undefined: the run ends. */
  perSecond?: number | undefined
  /** The bytes of each event, in addition to its stamp. Default: 0. */
  paddingBytes?: number | undefined
}

export const noop = (emit: Emit): Promise<void> =>
  emit('assistant.message', { messageId: '1', content: 'done' })

let ending = new AbortController()
let emitted = 0

/**
 * Ends the runs that stream in this process. They are not cancelled: they succeed.
 *
 * @returns how many events they have emitted
 */
export function endStreams(): number {
  ending.abort()
  ending = new AbortController()
  const count = emitted
  emitted = 0
  return count
}

export async function stream(
  emit: Emit,
  { type, atOnce, perSecond, paddingBytes = 0 }: StreamParams,
): Promise<void> {
  const { signal } = ending
  const padding = 'x'.repeat(paddingBytes)
  const emitNext = (): Promise<void> => {
    emitted += 1
    return emit(type, { messageId: '1', content: stampContent() + padding })
  }
  for (let count = 0; count < atOnce; count++) await emitNext()
  if (perSecond === 0) await once(signal, 'abort')
  else if (perSecond !== undefined) await repeat(emitNext, 1000 / perSecond, signal)
}

/** An emitter that falls behind catches up, so that a slow target gets as much work as a quick one. */
async function repeat(emitNext: () => Promise<void>, intervalMs: number, signal: AbortSignal): Promise<void> {
  // Runs that start together would otherwise all emit at the same moments.
  let dueAt = performance.now() + Math.random() * intervalMs
  while (!signal.aborted) {
    await sleep(Math.max(dueAt - performance.now(), 0))
    for (; dueAt <= performance.now() && !signal.aborted; dueAt += intervalMs) await emitNext()
  }
}
