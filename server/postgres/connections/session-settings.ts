// What a session is set to, so that it means the same over every database: what ALTER DATABASE, ALTER ROLE
// or `options=` in the URL say of it does not apply to ours.

/** How statements are read, and values written and read back. */
const MEANING: Record<string, string> = {
  TimeZone: 'UTC',
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  bytea_output: 'hex',
  extra_float_digits: '1',
  array_nulls: 'on',
  standard_conforming_strings: 'on',
  default_transaction_isolation: 'read committed',
  default_transaction_read_only: 'off',
  default_transaction_deferrable: 'off',
}

/** A process that stands still between two statements keeps what it has locked for no longer than this. */
const IDLE_IN_TRANSACTION_MS = 3_000
/** Above the former, so that what a frozen process holds is waited for rather than given up. */
const LOCK_WAIT_MS = 10_000
/** How long a statement may take, on the server and then for the client, who sends it over a network. */
const STATEMENT_MS = 55_000

/** Bounds on a session, in milliseconds; 0 is none. */
export interface SessionLimits {
  idleInTransactionMs?: number
  lockWaitMs?: number
  statementMs?: number
}

export type SessionSettings = Readonly<Record<string, string>>

/** @param searchPath where unqualified names are looked for. All of the runtime's own are qualified. */
export function sessionSettings(limits: SessionLimits = {}, searchPath = 'pg_catalog'): SessionSettings {
  const {
    idleInTransactionMs = IDLE_IN_TRANSACTION_MS,
    lockWaitMs = LOCK_WAIT_MS,
    statementMs = STATEMENT_MS,
  } = limits
  return {
    ...MEANING,
    search_path: searchPath,
    idle_in_transaction_session_timeout: String(idleInTransactionMs),
    // An idle connection is closed by the pool, or is meant to last.
    idle_session_timeout: '0',
    lock_timeout: String(lockWaitMs),
    statement_timeout: String(statementMs),
  }
}

/**
 * How PostgreSQL notices that a client is gone for good: a machine that is lost within some 20 s, and one that
 * takes nothing of what it is sent, holding its locks meanwhile, within 10 s.
 */
export const NETWORK_SETTINGS: SessionSettings = {
  tcp_keepalives_idle: '10',
  tcp_keepalives_interval: '3',
  tcp_keepalives_count: '3',
  tcp_user_timeout: '10000',
}

/** Before a client asks an idle server whether it is still there. */
export const KEEP_ALIVE_DELAY_MS = 10_000

/** Begins a transaction in a session that is not ours: what it is set to holds until the commit. */
export function beginWith(settings: SessionSettings): string {
  const sets = Object.entries(settings).map(([name, value]) => `SET LOCAL ${name} = '${value}'`)
  return ['BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE NOT DEFERRABLE', ...sets].join('; ')
}
