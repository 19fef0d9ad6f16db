import type { Clock } from '../../ports/clock.ts'

/** What a connection's life is bounded by. */
export interface LifetimeSettings {
  clock: Pick<Clock, 'now' | 'sleep'>
  /** Between looks whether the caller still may. */
  reauthenticateMs: number
  /** After which the client is sent to open another socket. */
  maxAgeMs: number
}

interface Watched {
  /** Of the connection. */
  closed: AbortSignal
  /** Whether somebody is known to be calling. */
  isKnown(): boolean
  /** Asks who is calling; false when the connection has been closed for it. */
  look(): Promise<boolean>
  retire(): void
}

/** A socket on which nobody has said who he is by then is nobody's. */
const INTRODUCED_AFTER_MS = 10_000

/** Looks after a connection until it is closed. */
export function watchOver(watched: Watched, settings: LifetimeSettings): void {
  void awaitCaller(watched, settings)
  void lookAgain(watched, settings)
}

async function awaitCaller({ closed, isKnown, look }: Watched, { clock }: LifetimeSettings): Promise<void> {
  await clock.sleep(INTRODUCED_AFTER_MS, closed)
  if (!closed.aborted && !isKnown()) await look()
}

async function lookAgain({ closed, look, retire }: Watched, settings: LifetimeSettings): Promise<void> {
  const { clock, reauthenticateMs, maxAgeMs } = settings
  const oldAt = clock.now() + spread(maxAgeMs)
  for (;;) {
    await clock.sleep(Math.max(Math.min(spread(reauthenticateMs), oldAt - clock.now()), 0), closed)
    if (closed.aborted) return
    if (clock.now() >= oldAt) return retire()
    if (!(await look())) return
  }
}

/** No longer than that, and not the same for all that were opened together. */
function spread(ms: number): number {
  return ms * (0.8 + 0.2 * Math.random())
}
