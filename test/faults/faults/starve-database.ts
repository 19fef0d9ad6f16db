import type { Fault } from '../scene/scene.ts'
import type { Span } from './pause.ts'
import { pause } from './pause.ts'

const SWITCH = `
  CREATE TABLE IF NOT EXISTS faults.full_disk (chance float NOT NULL);
  CREATE OR REPLACE FUNCTION faults.write() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF random() < (SELECT max(chance) FROM faults.full_disk) THEN
      RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full';
    END IF;
    RETURN NULL;
  END $$`

/** Also at the commit, after everything else has succeeded. */
const TRIGGERS = [
  ['agent_runtime.event', 'TRIGGER', 'AFTER INSERT', 'FOR EACH STATEMENT'],
  ['agent_runtime.run', 'TRIGGER', 'AFTER UPDATE', 'FOR EACH STATEMENT'],
  ['agent_runtime.step', 'TRIGGER', 'AFTER INSERT', 'FOR EACH STATEMENT'],
  [
    'agent_runtime.run',
    'CONSTRAINT TRIGGER',
    'AFTER INSERT OR UPDATE',
    'DEFERRABLE INITIALLY DEFERRED FOR EACH ROW',
  ],
] as const

/** From time to time the disk is full for every `1 / chance`-th write: PostgreSQL refuses it with 53100. */
export function fillDisk(every: Span, { during, chance }: { during: Span; chance: number }): Fault {
  return async ({ postgres, random: seeded, signal, count }) => {
    const random = seeded.fork('fill disk')
    await postgres.sql(SWITCH)
    for (const [index, [table, kind, when, how]] of TRIGGERS.entries()) {
      await postgres.sql(
        `CREATE ${kind} faults_${index} ${when} ON ${table} ${how} EXECUTE FUNCTION faults.write()`,
      )
    }
    while (await pause(random, every, signal)) {
      await postgres.sql(`INSERT INTO faults.full_disk VALUES ($1)`, [chance])
      count('disk full for a while')
      await pause(random, during, signal)
      await postgres.sql(`DELETE FROM faults.full_disk`)
    }
  }
}

/** From time to time no new connection is possible (53300), and half of the open ones end. */
export function exhaustConnections(role: string, { every, during }: { every: Span; during: Span }): Fault {
  return async ({ postgres, random: seeded, signal, count }) => {
    const random = seeded.fork('exhaust connections')
    while (await pause(random, every, signal)) {
      await postgres.sql(`ALTER ROLE ${role} CONNECTION LIMIT 0`)
      await postgres.sql(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1 AND random() < 0.5`,
        [role],
      )
      count('connections used up for a while')
      await pause(random, during, signal)
      await postgres.sql(`ALTER ROLE ${role} CONNECTION LIMIT -1`)
    }
  }
}
