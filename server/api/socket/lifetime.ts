import type { Clock } from '../../ports/clock.ts'

/** Limits on how long a connection lives. */
export interface LifetimeSettings {
  clock: Pick<Clock, 'now' | 'sleep'>
  /** Between checks that the caller still may connect. */
  reauthenticateMs: number
  /** After this time the client is told to open another socket. */
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

/** A socket whose caller is not known by then is closed. */
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

/** At most that long, and spread out, so that sockets opened together don't end together. */
function spread(ms: number): number {
  return ms * (0.8 + 0.2 * Math.random())
}
