import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import type { AttemptStore } from '../ports/store/attempt-store.ts'
import type { Inbox } from './inbox.ts'
import { RunInterruption } from './interruption.ts'

/** An attempt this worker holds. */
export interface Held {
  run: { id: string; attempt: number }
  controller: AbortController
  inbox: Pick<Inbox, 'note'>
  /** Writes that it is alive. */
  beat(): void
}

interface LeasePorts {
  store: Pick<AttemptStore, 'renewLeases'>
  clock: Clock
  log: Logger
}

/** Renews leases at a third of their time to live, so that one or two failures cost nothing. */
export async function keepLeases(
  ports: LeasePorts,
  options: { held: () => readonly Held[]; ttlMs: number; signal: AbortSignal },
): Promise<void> {
  while (!options.signal.aborted) {
    await ports.clock.sleep(options.ttlMs / 3, options.signal)
    await renewLeases(ports, options)
    for (const attempt of options.held()) attempt.beat()
  }
}

/**
 * Prolongs all leases in one statement. Its answer also tells which runs were lost, and which were cancelled while no
 * hint reached this process.
 */
export async function renewLeases(
  { store, log }: LeasePorts,
  { held, ttlMs }: { held: () => readonly Held[]; ttlMs: number },
): Promise<void> {
  const asked = held()
  if (asked.length === 0) return
  try {
    const answers = await store.renewLeases(
      asked.map(({ run }) => run),
      ttlMs,
    )
    const states = new Map(answers.map((run) => [run.id, run]))
    const still = new Set(held())
    for (const attempt of asked) {
      const state = states.get(attempt.run.id)
      if (state !== undefined) attempt.inbox.note(state.sent)
      if (state?.cancelRequested === true) attempt.controller.abort(new RunInterruption('cancelled'))
      // An attempt that ended meanwhile is not lost.
      if (state === undefined && still.has(attempt)) attempt.controller.abort(new RunInterruption('lost'))
    }
  } catch (error) {
    log.warn({ err: error }, 'renewing leases failed; trying again')
  }
}
