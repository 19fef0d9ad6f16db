import type pg from 'pg'
import { PgBoss } from 'pg-boss'
import type { Logger } from '../../ports/logger.ts'
import type { Recurrence, ScheduleRef, Timetable } from '../../ports/timetable.ts'
import { createBossDatabase } from './database.ts'
import { QUEUE_SCHEMA } from './queue.ts'

/** pg-boss keeps schedules by queue. No agent has one of these for its own: agent keys have no slash. */
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
 * The timetable in pg-boss' schedule table, read by its cron parser. Its own timer stays off: that sends a
 * job at least once, one a minute at most, up to half a minute late, and a second one when the process dies
 * between sending and ticking off. Whoever keeps this timetable names each occurrence by its time instead.
 */
export function createBossTimetable({ pool, log }: BossTimetableOptions): Timetable {
  // Never started: it has no timers, and its statements run over our connections.
  const boss = new PgBoss({ db: createBossDatabase(pool), schema: QUEUE_SCHEMA, schedule: false })
  boss.on('error', (error) => log.error({ err: error }, 'the timetable reported an error'))

  async function read(queues: readonly string[]): Promise<ScheduleRow[]> {
    const { rows } = await pool.query<ScheduleRow>(
      `SELECT name, key, cron, COALESCE(timezone, 'UTC') AS timezone, updated_on
       FROM ${QUEUE_SCHEMA}.schedule WHERE name = ANY ($1)`,
      [queues],
    )
    return rows
  }

  return {
    next({ cron, timeZone }: Recurrence, after: number) {
      // The parser would fill up what is missing, and do so on the left.
      if (!/^\s*\S+(\s+\S+){4,5}\s*$/.test(cron)) {
        throw new Error(`a cron expression has five fields, or six with seconds, unlike "${cron}"`)
      }
      const [occurrence] = boss.previewSchedule(cron, { tz: timeZone, from: new Date(after), count: 1 })
      return occurrence?.getTime()
    },

    async publish(agentKeys, schedules) {
      const queues = agentKeys.map((agentKey) => SCHEDULE_PREFIX + agentKey)
      const before = await read(queues)
      for (const row of before) {
        if (schedules.some((schedule) => isOf(row, schedule))) continue
        await boss.unschedule(row.name, row.key)
      }
      for (const schedule of schedules) {
        const row = before.find((other) => isOf(other, schedule))
        // What is as it was is left alone: `updated_on` tells since when.
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
