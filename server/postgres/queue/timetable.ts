import type pg from 'pg'
import { PgBoss } from 'pg-boss'
import type { Logger } from '../../ports/logger.ts'
import type { Recurrence, ScheduleRef, Timetable } from '../../ports/timetable.ts'
import { createBossDatabase } from './database.ts'
import { QUEUE_SCHEMA } from './queue.ts'

/** pg-boss keeps schedules by queue. These queues cannot clash with agents' queues, since agent keys have no slash. */
export const SCHEDULE_PREFIX = 'schedules/'

interface BossTimetableOptions {
  pool: pg.Pool
  log: Logger
}

interface ScheduleRow {
  name: string
  key: string
  cron: string
  timezone: string
  updated_on: Date
}

/**
 * The timetable in pg-boss' schedule table, read with its cron parser. pg-boss' own timer is not used: it sends at most
 * one job a minute, up to half a minute late, and sends twice when a process dies at the wrong moment. The runtime
 * identifies each occurrence by its time instead, so that it happens once.
 */
export function createBossTimetable({ pool, log }: BossTimetableOptions): Timetable {
  // It is never started, so it has no timers. Its statements run on the runtime's connections.
  const boss = new PgBoss({
    db: createBossDatabase(pool),
    schema: QUEUE_SCHEMA,
    schedule: false,
    openTelemetry: { enabled: false },
  })
  boss.on('error', (error) => log.error({ err: error }, 'the timetable reported an error'))

  async function read(queues: readonly string[]): Promise<ScheduleRow[]> {
    const { rows } = await pool.query<ScheduleRow>(
      `SELECT name, key, cron, COALESCE(timezone, 'UTC') AS timezone, updated_on
       FROM ${QUEUE_SCHEMA}.schedule WHERE name = ANY ($1)`,
      [queues],
    )
    return rows
  }

  function preview({ cron, timeZone }: Recurrence, after: number, count: number): number[] {
    // The parser would fill in missing fields from the left.
    if (!/^\s*\S+(\s+\S+){4,5}\s*$/.test(cron)) {
      throw new Error(`"${cron}" is not a cron expression, which has five fields, or six with seconds`)
    }
    return boss
      .previewSchedule(cron, { tz: timeZone, from: new Date(after), count })
      .map((occurrence) => occurrence.getTime())
  }

  return {
    next: (recurrence, after) => preview(recurrence, after, 1)[0],
    preview,

    async publish(agentKeys, schedules) {
      const queues = agentKeys.map((agentKey) => SCHEDULE_PREFIX + agentKey)
      const before = await read(queues)
      for (const row of before) {
        if (schedules.some((schedule) => isOf(row, schedule))) continue
        await boss.unschedule(row.name, row.key)
      }
      for (const schedule of schedules) {
        const row = before.find((other) => isOf(other, schedule))
        // Leave an unchanged schedule alone, so that `updated_on` says since when it is unchanged.
        if (row?.cron === schedule.cron && row.timezone === schedule.timeZone) continue
        const queue = SCHEDULE_PREFIX + schedule.agentKey
        await boss.createQueue(queue)
        await boss.schedule(queue, schedule.cron, null, { tz: schedule.timeZone, key: schedule.name })
      }
      return (await read(queues)).map((row) => ({
        agentKey: row.name.slice(SCHEDULE_PREFIX.length),
        name: row.key,
        since: row.updated_on.getTime(),
      }))
    },
  }
}

function isOf(row: ScheduleRow, { agentKey, name }: ScheduleRef): boolean {
  return row.name === SCHEDULE_PREFIX + agentKey && row.key === name
}
