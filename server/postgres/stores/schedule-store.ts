import type { ScheduleStore } from '../../ports/store/schedule-store.ts'
import * as reads from '../prisma/reads.ts'
import * as schedules from '../statements/schedules.ts'
import type { StoreParts } from './store-parts.ts'

export function createScheduleStore({ pool }: Pick<StoreParts, 'pool'>): ScheduleStore {
  return {
    createSchedule: (schedule, max) => schedules.createSchedule(pool, schedule, max),
    getSchedule: (reach, id) => schedules.getSchedule(pool, reach, id),
    listSchedules: (reach, filter, cursor) => reads.listSchedules(pool, { reach, filter, cursor }),
    pauseSchedule: (owner, id) => schedules.pauseSchedule(pool, owner, id),
    resumeSchedule: (owner, id, nextAt) => schedules.resumeSchedule(pool, { owner, id }, nextAt),
    deleteSchedule: (owner, id) => schedules.deleteSchedule(pool, owner, id),
    takeDueSchedules: (agentKeys, leaseMs) => schedules.takeDueSchedules(pool, agentKeys, leaseMs),
    settleSchedule: (...settled) => schedules.settleSchedule(pool, ...settled),
  }
}
