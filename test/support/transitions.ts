// The transitions between statuses that a database's runs made.
import { TRANSITIONS } from '../../server/lifecycle/transitions.ts'

// The test's own changes to runs use a connection with this name. They are not the runtime's.
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

/** From now on, PostgreSQL records the event that each change of a run's status wrote. */
export async function observeTransitions(sql: Sql): Promise<void> {
  await sql(OBSERVE)
}

/** The recorded transitions, each once, in the form of {@link KNOWN_TRANSITIONS}. */
export async function seenTransitions(sql: Sql): Promise<string[]> {
  const rows = await sql(
    `SELECT DISTINCT concat("from", ' → ', "to", ': ', event) AS way FROM observed.transition`,
  )
  return (rows as { way: string }[]).map(({ way }) => way)
}

/** The recorded transitions that the table does not have. */
export async function unknownTransitions(sql: Sql): Promise<string[]> {
  return (await seenTransitions(sql)).filter((way) => !KNOWN_TRANSITIONS.includes(way))
}

/** The transitions of the runtime's table. */
export const KNOWN_TRANSITIONS: readonly string[] = Object.values(TRANSITIONS).flatMap(
  ({ from, to, event }) => from.map((status) => `${status} → ${to}: ${event}`),
)
