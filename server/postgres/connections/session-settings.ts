// The settings of our sessions, so that statements mean the same on every database. They win over those of ALTER DATABASE,
// ALTER ROLE and `options=` in the URL.

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

/** How long a process that stands still between two statements can keep its locks. */
const IDLE_IN_TRANSACTION_MS = 3_000
/** Longer than the former, so that a statement outlasts the locks of a frozen process. */
const LOCK_WAIT_MS = 10_000
/** How long a statement may take on the server. The client waits a little longer. */
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
 * How soon PostgreSQL notices that a client is gone: some 20 s for a lost machine, and 10 s for one that takes nothing of
 * what it is sent and holds its locks meanwhile.
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
