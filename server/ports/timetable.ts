/** A recurring time: a cron expression in a time zone. */
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

/** Computes the times of schedules, and publishes the schedules. Times are milliseconds since the epoch. */
export interface Timetable {
  /**
   * The first occurrence after `after`; undefined when there is none. @throws Error that says what is wrong with the
   * recurrence.
   */
  next(recurrence: Recurrence, after: number): number | undefined
  /**
   * The first `count` occurrences after `after`; fewer if there are no more. Cheaper than repeated calls of `next`.
   * @throws as `next`.
   */
  preview(recurrence: Recurrence, after: number, count: number): number[]
  /**
   * Replaces the schedules of the agents with these keys by `schedules`. Schedules of other agents stay.
   *
   * @returns for each, since when it has been unchanged.
   */
  publish(
    agentKeys: readonly string[],
    schedules: readonly (ScheduleRef & Recurrence)[],
  ): Promise<(ScheduleRef & { since: number })[]>
}
