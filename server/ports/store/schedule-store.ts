import type { ListSchedulesInput, StoredSchedule } from '../../contract/schedule.ts'
import type { Page, PageCursor } from '../../contract/page.ts'
import type { Owner, Reach } from '../owner.ts'

export type NewSchedule = Pick<
  StoredSchedule,
  | 'id'
  | 'owner'
  | 'name'
  | 'agentKey'
  | 'cron'
  | 'everySeconds'
  | 'timeZone'
  | 'messages'
  | 'params'
  | 'metadata'
  | 'conversationId'
> & { createdAt: Date; nextAt: Date }

/** A schedule whose time has come. */
export interface DueSchedule extends StoredSchedule {
  nextAt: string
  /** The time on the database's clock. */
  now: Date
}

/** The result of an occurrence. Null when it was due too long ago and was skipped. */
export type OccurrenceOutcome = { at: Date; runId: string | null; error: string | null } | null

/** Schedules that callers made at run time. */
export interface ScheduleStore {
  /** @returns null when the owner has `max` schedules already. */
  createSchedule(schedule: NewSchedule, max: number): Promise<StoredSchedule | null>
  getSchedule(reach: Reach, scheduleId: string): Promise<StoredSchedule | null>
  listSchedules(
    reach: Reach,
    filter: Pick<ListSchedulesInput, 'limit' | 'agentKey'>,
    cursor: PageCursor | null,
  ): Promise<Page<StoredSchedule>>
  /** Has no effect on a paused schedule. @returns null when it does not exist, or is not the owner's. */
  pauseSchedule(owner: Owner, scheduleId: string): Promise<StoredSchedule | null>
  /** Has no effect on a schedule that is not paused. @returns null when it does not exist, or is not the owner's. */
  resumeSchedule(owner: Owner, scheduleId: string, nextAt: Date | null): Promise<StoredSchedule | null>
  /** @returns false when it does not exist, or is not the owner's. */
  deleteSchedule(owner: Owner, scheduleId: string): Promise<boolean>
  /** Takes some due schedules of these agents. No other process takes them for `leaseMs`. */
  takeDueSchedules(agentKeys: readonly string[], leaseMs: number): Promise<DueSchedule[]>
  /**
   * Stores the result of an occurrence and the time of the next, unless the schedule was paused or deleted meanwhile.
   */
  settleSchedule(schedule: DueSchedule, outcome: OccurrenceOutcome, nextAt: Date | null): Promise<void>
}
