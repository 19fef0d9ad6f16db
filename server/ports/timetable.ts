/** Times that recur. */
export interface Recurrence {
  cron: string
  /** IANA name. */
  timeZone: string
}

export interface ScheduleRef {
  agentKey: string
  /** Unique among the agent's. */
  name: string
}

/** Knows when what recurs is due, and tells others which schedules there are. Times are in ms since the epoch. */
export interface Timetable {
  /** The first occurrence after `after`; undefined when there is none. @throws Error saying what is wrong with it. */
  next(recurrence: Recurrence, after: number): number | undefined
  /**
   * Makes `schedules` those of the agents with these keys; other agents', of other deployments, stay.
   *
   * @returns since when each has been what it is.
   */
  publish(
    agentKeys: readonly string[],
    schedules: readonly (ScheduleRef & Recurrence)[],
  ): Promise<(ScheduleRef & { since: number })[]>
}
