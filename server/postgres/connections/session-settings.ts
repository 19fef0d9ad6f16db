// The settings of the runtime's sessions, which make statements mean the same on every database. They override those of
// ALTER DATABASE, ALTER ROLE and `options=` in the URL.

/** Settings that change how statements and values are read and written. */
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

/** How long a frozen process can keep its locks between two statements. */
const IDLE_IN_TRANSACTION_MS = 3_000
/** Longer than IDLE_IN_TRANSACTION_MS, so that a statement outlasts the locks of a frozen process. */
const LOCK_WAIT_MS = 10_000
/** How long a statement may take on the server. The client waits a little longer. */
const STATEMENT_MS = 55_000

/** Time limits of a session, in milliseconds; 0 for none. */
export interface SessionLimits {
  idleInTransactionMs?: number
  lockWaitMs?: number
  statementMs?: number
}

export type SessionSettings = Readonly<Record<string, string>>

/** @param searchPath the schemas for unqualified names; the runtime qualifies all of its own */
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
    // The pool closes idle connections itself, and the others are meant to last.
    idle_session_timeout: '0',
    lock_timeout: String(lockWaitMs),
    statement_timeout: String(statementMs),
  }
}

/**
 * Limits the time until PostgreSQL notices that a client is gone: about 20 s for a lost machine, and 10 s for a client
 * that accepts no data. Its locks are held until then.
 */
export const NETWORK_SETTINGS: SessionSettings = {
  tcp_keepalives_idle: '10',
  tcp_keepalives_interval: '3',
  tcp_keepalives_count: '3',
  tcp_user_timeout: '10000',
}

/** How long a connection is idle before TCP probes the server. */
export const KEEP_ALIVE_DELAY_MS = 10_000

/** Begins a transaction in a session of a pooler. The settings hold until the commit. */
export function beginWith(settings: SessionSettings): string {
  const sets = Object.entries(settings).map(([name, value]) => `SET LOCAL ${name} = '${value}'`)
  return ['BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE NOT DEFERRABLE', ...sets].join('; ')
}
