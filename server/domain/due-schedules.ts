// Creates the runs of callers' schedules, in any process. The occurrence is the idempotency key of its run, so it gets
// one run even if processes die or repeat the work.
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import type { Logger } from '../ports/logger.ts'
import type { DueSchedule, OccurrenceOutcome, ScheduleStore } from '../ports/store/schedule-store.ts'
import type { Timetable } from '../ports/timetable.ts'
import { MAKE_UP_MS, lastOccurrence } from './occurrences.ts'
import type { Runs } from './runs.ts'
import { occurrencesOf } from './schedule-times.ts'
import { requestOf } from './stored-schedules.ts'

interface DuePorts {
  store: Pick<ScheduleStore, 'takeDueSchedules' | 'settleSchedule'>
  runs: Pick<Runs, 'create'>
  timetable: Pick<Timetable, 'next'>
  log: Logger
}

/** Longer than `authorize` and `quota` may take to answer, so only a dead process loses the schedules it took. */
const LEASE_MS = 60_000

export interface DueSchedules {
  /** Starts to create runs of due schedules, and returns at once. */
  look(): void
  /** Resolves when no run is being created. */
  settled(): Promise<void>
}

/** @param agentKeys keys of the agents that this process knows. Other processes serve the other agents. */
export function createDueSchedules(
  { store, runs, timetable, log }: DuePorts,
  { agentKeys, signal }: { agentKeys: () => readonly string[]; signal: AbortSignal },
): DueSchedules {
  let looking: Promise<void> | undefined

  async function createRuns(): Promise<void> {
    try {
      while (!signal.aborted) {
        const due = await store.takeDueSchedules(agentKeys(), LEASE_MS)
        if (due.length === 0) return
        await Promise.all(due.map(createRun))
      }
    } catch (error) {
      log.warn({ err: error }, 'looking for schedules that are due failed; trying again')
    }
  }

  async function createRun(schedule: DueSchedule): Promise<void> {
    const told = { scheduleId: schedule.id, agentKey: schedule.agentKey }
    try {
      const now = schedule.now.getTime()
      const nextAfter = occurrencesOf(schedule, timetable)
      const occurrence = lastOccurrence(nextAfter, { first: Date.parse(schedule.nextAt), now })
      const outcome = now - occurrence > MAKE_UP_MS ? null : await occur(schedule, new Date(occurrence))
      const next = nextAfter(Math.max(occurrence, now - MAKE_UP_MS))
      await store.settleSchedule(schedule, outcome, next === undefined ? null : new Date(next))
      if (outcome?.error != null) log.warn({ ...told, ...outcome }, 'the run of a schedule was refused')
    } catch (error) {
      log.warn({ ...told, err: error }, 'creating the run of a schedule failed; trying again')
    }
  }

  /** @throws when a later try may succeed. */
  async function occur(schedule: DueSchedule, time: Date): Promise<OccurrenceOutcome> {
    const at = time.toISOString()
    try {
      const { run } = await runs.create(schedule.owner, requestOf(schedule, at), {
        occurrence: `${schedule.id}/${at}`,
        isCallers: true,
      })
      return { at: time, runId: run.id, error: null }
    } catch (error) {
      if (!(error instanceof AgentRuntimeError) || error.code === 'unavailable') throw error
      return { at: time, runId: null, error: error.message }
    }
  }

  return {
    look() {
      looking ??= createRuns().finally(() => (looking = undefined))
    },
    settled: async () => looking,
  }
}
