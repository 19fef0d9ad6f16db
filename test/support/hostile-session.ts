/** Settings that change the meaning of statements and values. */
const CONFUSING: Record<string, string> = {
  timezone: 'Asia/Kolkata',
  datestyle: 'German, DMY',
  intervalstyle: 'sql_standard',
  search_path: 'public',
  client_encoding: 'LATIN1',
  standard_conforming_strings: 'off',
  array_nulls: 'off',
  bytea_output: 'escape',
  extra_float_digits: '-15',
  default_transaction_isolation: 'serializable',
  default_transaction_read_only: 'on',
}

/** Settings that end slow work. */
const IMPATIENT: Record<string, string> = {
  idle_in_transaction_session_timeout: '1ms',
  idle_session_timeout: '20ms',
  lock_timeout: '1ms',
  statement_timeout: '1ms',
}

/**
 * Gives all of these settings to new sessions.
 *
 * @param whose `DATABASE name` or `ROLE name`
 * @param isPatient leaves out settings that end a pooler's own sessions before anybody has configured them
 */
export async function makeHostile(
  sql: (text: string) => Promise<unknown>,
  whose: string,
  { isPatient = false } = {},
): Promise<void> {
  for (const [setting, value] of Object.entries({ ...CONFUSING, ...(isPatient ? {} : IMPATIENT) })) {
    await sql(`ALTER ${whose} SET ${setting} = ${setting === 'datestyle' ? value : `'${value}'`}`)
  }
}

/** The database of a URL, for {@link makeHostile}. */
export function databaseOf(url: string): string {
  return `DATABASE ${new URL(url).pathname.slice(1)}`
}
