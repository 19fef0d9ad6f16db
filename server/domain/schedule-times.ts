// The times of schedules that callers make.
import type { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import { invalid } from '../contract/parse-input.ts'
import type { StoredSchedule } from '../contract/schedule.ts'
import type { Timetable } from '../ports/timetable.ts'
import { every, shortestGap } from './occurrences.ts'
import type { NextOccurrence } from './occurrences.ts'

/**
 * How many occurrences of a cron expression are checked. It is more than the minutes of an hour. A cron expression has
 * the same minutes in every hour it matches, so this covers all of them.
 */
const LOOKED_AT = 64

/** The fields that determine the occurrences. */
type Times = Pick<StoredSchedule, 'cron' | 'everySeconds' | 'timeZone' | 'createdAt'>

/** When a schedule occurs. */
export function occurrencesOf(
  { cron, everySeconds, timeZone, createdAt }: Times,
  timetable: Pick<Timetable, 'next'>,
): NextOccurrence {
  if (cron !== null) return (after) => timetable.next({ cron, timeZone }, after)
  return every((everySeconds ?? 1) * 1_000, Date.parse(createdAt))
}

/**
 * The first time of a new schedule.
 *
 * @param minSeconds the shortest time between two occurrences
 * @throws AgentRuntimeError `validation_failed` for times that never come, or come too often
 */
export function firstOccurrence(
  { cron, everySeconds, timeZone, createdAt }: Times,
  timetable: Pick<Timetable, 'preview'>,
  minSeconds: number,
): Date {
  const field = cron === null ? 'everySeconds' : 'cron'
  const created = Date.parse(createdAt)
  const times =
    cron === null
      ? [1, 2].map((n) => created + n * (everySeconds ?? 1) * 1_000)
      : readable(field, () => timetable.preview({ cron, timeZone }, created, LOOKED_AT))
  const [next] = times
  if (next === undefined) throw wrong(field, 'its time never comes')
  if ((shortestGap(times) ?? Infinity) < minSeconds * 1_000) {
    throw wrong(field, `a schedule may occur at most once in ${minSeconds} seconds`)
  }
  return new Date(next)
}

function readable<T>(field: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw wrong(field, error instanceof Error ? error.message : String(error))
  }
}

function wrong(field: string, message: string): AgentRuntimeError {
  return invalid(`The request is not valid at ${field}: ${message}`, [{ path: [field], message }])
}
