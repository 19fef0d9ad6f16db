type Sql = (text: string) => Promise<unknown>

/** Makes the database refuse to start attempts of runs whose metadata says `evil`. */
export async function refuseClaims(sql: Sql): Promise<void> {
  await sql(
    `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
     BEGIN RAISE 'no evil in here' USING ERRCODE = 'data_exception'; END $$`,
  )
  await sql(
    `CREATE TRIGGER refuse BEFORE UPDATE ON agent_runtime.run FOR EACH ROW
     WHEN (NEW.status = 'running' AND NEW.attempt = COALESCE((NEW.metadata ->> 'evil')::int, 0))
     EXECUTE FUNCTION refuse()`,
  )
}
