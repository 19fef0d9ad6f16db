import type { Clock } from '../../ports/clock.ts'

/** Limits on how long a connection lives. */
export interface LifetimeSettings {
  clock: Pick<Clock, 'now' | 'sleep'>
  /** Milliseconds between checks that the caller may still connect. */
  reauthenticateMs: number
  /** After this time the client is told to open another socket. */
  maxAgeMs: number
}

interface Watched {
  /** Aborts when the connection is closed. */
  closed: AbortSignal
  /** Whether the caller is known. */
  isKnown(): boolean
  /** Authenticates the caller; false if that closed the connection. */
  look(): Promise<boolean>
  retire(): void
}

/** A socket whose caller is still unknown after this time is closed. */
const INTRODUCED_AFTER_MS = 10_000

/** Watches a connection until it is closed. */
export function watchOver(watched: Watched, settings: LifetimeSettings): void {
  void awaitCaller(watched, settings)
  void lookAgain(watched, settings)
}

async function awaitCaller({ closed, isKnown, look }: Watched, { clock }: LifetimeSettings): Promise<void> {
  await clock.sleep(INTRODUCED_AFTER_MS, closed)
  if (!closed.aborted && !isKnown()) await look()
}

async function lookAgain(
  { closed, isKnown, look, retire }: Watched,
  settings: LifetimeSettings,
): Promise<void> {
  const { clock, reauthenticateMs, maxAgeMs } = settings
  const oldAt = clock.now() + spread(maxAgeMs)
  for (;;) {
    await clock.sleep(Math.max(Math.min(spread(reauthenticateMs), oldAt - clock.now()), 0), closed)
    if (closed.aborted) return
    if (clock.now() >= oldAt) return retire()
    // What an unknown caller sends about itself may still be on its way.
    if (isKnown() && !(await look())) return
  }
}

/** At most the given time, and varied, so that sockets that were opened together do not end together. */
function spread(ms: number): number {
  return ms * (0.8 + 0.2 * Math.random())
}
