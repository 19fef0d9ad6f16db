// The times of schedules, in milliseconds since the epoch.

/** How long a missed occurrence can still be made up for. Only the last missed one is. */
export const MAKE_UP_MS = 3_600_000

/** The shortest time between two occurrences of a cron expression. */
const RESOLUTION_MS = 1_000

/** The first occurrence after a time; undefined when there is none. */
export type NextOccurrence = (after: number) => number | undefined

/**
 * The last missed occurrence; one run makes up for all missed ones. It is found by bisection, because evaluating a cron
 * expression takes a millisecond and an hour may hold thousands of occurrences.
 */
export function lastOccurrence(
  nextAfter: NextOccurrence,
  { first, now }: { first: number; now: number },
): number {
  let last = first
  let noneAfter = now
  while (noneAfter - last >= RESOLUTION_MS) {
    const middle = Math.floor((last + noneAfter) / 2)
    const next = nextAfter(middle)
    if (next !== undefined && next <= now) last = next
    else noneAfter = middle
  }
  return last
}

/** Occurrences a fixed time apart, counted from `from`. */
export function every(ms: number, from: number): NextOccurrence {
  return (after) => from + (Math.floor((after - from) / ms) + 1) * ms
}

/** The shortest time between two successive occurrences; undefined for fewer than two. */
export function shortestGap(times: readonly number[]): number | undefined {
  const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0))
  return gaps.length === 0 ? undefined : Math.min(...gaps)
}
