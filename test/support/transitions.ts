// Which ways the runs of a database took from one status to another.
import { TRANSITIONS } from '../../server/lifecycle/transitions.ts'

// What a test itself does to a run, through a connection of that name, is not what the runtime does.
const OBSERVE = `
  CREATE SCHEMA observed;
  CREATE TABLE observed.transition (run_id uuid, "from" text, "to" text, event text);
  CREATE FUNCTION observed.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    BEGIN
      INSERT INTO observed.transition SELECT NEW.id, OLD.status, NEW.status,
        (SELECT type FROM agent_runtime.event WHERE run_id = NEW.id AND seq = NEW.last_seq);
      RETURN NULL;
    END $$;
  CREATE TRIGGER observe AFTER UPDATE OF status ON agent_runtime.run FOR EACH ROW
  WHEN (OLD.status <> NEW.status AND current_setting('application_name') <> 'test')
  EXECUTE FUNCTION observed.note()`

type Sql = (text: string) => Promise<object[]>

/** From now on, PostgreSQL notes the event that each change of a run's status wrote. */
export async function observeTransitions(sql: Sql): Promise<void> {
  await sql(OBSERVE)
}

/** Those that were seen, each once, in the words of {@link KNOWN_TRANSITIONS}. */
export async function seenTransitions(sql: Sql): Promise<string[]> {
  const rows = await sql(
    `SELECT DISTINCT concat("from", ' → ', "to", ': ', event) AS way FROM observed.transition`,
  )
  return (rows as { way: string }[]).map(({ way }) => way)
}

/** Those that were seen and that the table does not have. */
export async function unknownTransitions(sql: Sql): Promise<string[]> {
  return (await seenTransitions(sql)).filter((way) => !KNOWN_TRANSITIONS.includes(way))
}

/** Those that the table of the runtime has. */
export const KNOWN_TRANSITIONS: readonly string[] = Object.values(TRANSITIONS).flatMap(
  ({ from, to, event }) => from.map((status) => `${status} → ${to}: ${event}`),
)
