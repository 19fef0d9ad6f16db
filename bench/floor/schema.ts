/** The smallest tables for the floor's answers: runs, and events ordered by run. */
export const FLOOR_SCHEMA = `
  CREATE TABLE run (
    id uuid PRIMARY KEY,
    agent_key text NOT NULL,
    messages jsonb NOT NULL,
    params jsonb,
    status text NOT NULL DEFAULT 'queued',
    created_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz
  ) WITH (fillfactor = 70);
  CREATE INDEX run_queued ON run (id) WHERE status = 'queued';
  CREATE TABLE event (
    run_id uuid NOT NULL,
    seq int NOT NULL,
    type text NOT NULL,
    payload jsonb NOT NULL,
    ts timestamptz NOT NULL,
    PRIMARY KEY (run_id, seq)
  );`

/** Channel that announces runs to take. Its payload is empty. */
export const QUEUED = 'queued'
/** Channel that announces runs with new events: ids separated by commas. */
export const WRITTEN = 'written'
/** PostgreSQL takes payloads below 8,000 bytes. */
export const RUN_IDS_PER_NOTIFICATION = 200

export const TERMINAL = 'run.succeeded'
