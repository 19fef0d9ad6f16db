import type { Visibility } from '../../contract/visibility.ts'
import type { Transition } from '../../lifecycle/transitions.ts'

/** The visibility of the events of a type. */
export type VisibilityOf = (type: string) => Visibility

/** An expression for each column. */
type EventColumns = Record<'run_id' | 'seq' | 'attempt' | 'type' | 'visibility' | 'payload' | 'ts', string>

/** SQL that writes an event for each row of `from`. */
export function insertEvents(columns: EventColumns, from: string): string {
  return `
      INSERT INTO agent_runtime.event (${Object.keys(columns).join(', ')})
      SELECT ${Object.values(columns).join(', ')}
      FROM ${from}`
}

/**
 * SQL that writes the newest event of each run in `r`. The same statement must have raised its `last_seq` by 1.
 *
 * @param event expressions
 */
export function insertNewest(
  event: Pick<EventColumns, 'type' | 'visibility' | 'payload'>,
  from = 'r',
): string {
  return insertEvents(
    { run_id: 'r.id', seq: 'r.last_seq', attempt: 'r.attempt', ...event, ts: 'now()' },
    from,
  )
}

/** As `insertNewest`, for runs that all made one transition. `visibility` is a parameter. */
export function insertEventOf(
  { event }: Transition,
  { visibility, payload, from }: { visibility: string; payload: string; from?: string },
): string {
  const type = `'${event}'`
  return insertNewest({ type, visibility: `${visibility}::agent_runtime.visibility`, payload }, from)
}
