import type { Logger } from '../../server/ports/logger.ts'

export interface LogEntry {
  level: keyof Logger
  fields: Record<string, unknown>
  message: string
}

/** A logger that prints nothing and remembers everything. */
export function createSilentLogger(): Logger & { entries: LogEntry[] } {
  const entries: LogEntry[] = []
  const record = (level: keyof Logger) => (fields: object, message: string) =>
    void entries.push({ level, fields: { ...fields }, message })
  return {
    entries,
    debug: record('debug'),
    info: record('info'),
    warn: record('warn'),
    error: record('error'),
  }
}
