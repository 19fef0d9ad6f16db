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
  /** By the database's clock. */
  now: Date
}

/** What became of an occurrence. Null where it was too long ago to be made up for. */
export type OccurrenceOutcome = { at: Date; runId: string | null; error: string | null } | null

/** Schedules that callers made at run time. */
export interface ScheduleStore {
  /** @returns null when its owner has `max` already. */
  createSchedule(schedule: NewSchedule, max: number): Promise<StoredSchedule | null>
  getSchedule(reach: Reach, scheduleId: string): Promise<StoredSchedule | null>
  listSchedules(
    reach: Reach,
    filter: Pick<ListSchedulesInput, 'limit' | 'agentKey'>,
    cursor: PageCursor | null,
  ): Promise<Page<StoredSchedule>>
  /** One that is paused stays as it is. @returns null where it is not there, or not the owner's. */
  pauseSchedule(owner: Owner, scheduleId: string): Promise<StoredSchedule | null>
  /** One that is not paused stays as it is. @returns null where it is not there, or not the owner's. */
  resumeSchedule(owner: Owner, scheduleId: string, nextAt: Date | null): Promise<StoredSchedule | null>
  /** @returns false where it is not there, or not the owner's. */
  deleteSchedule(owner: Owner, scheduleId: string): Promise<boolean>
  /** Takes some of these agents' that are due. Nobody else takes these for `leaseMs`. */
  takeDueSchedules(agentKeys: readonly string[], leaseMs: number): Promise<DueSchedule[]>
  /** Notes what became of an occurrence, and when the next is, unless the schedule was paused or deleted meanwhile. */
  settleSchedule(schedule: DueSchedule, outcome: OccurrenceOutcome, nextAt: Date | null): Promise<void>
}
