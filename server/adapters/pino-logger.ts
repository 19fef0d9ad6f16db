import { styleText } from 'node:util'
import { levels, pino } from 'pino'
import { ConfigError } from '../config.ts'
import type { Logger } from '../ports/logger.ts'

/**
 * Logs to standard error from level LOG_LEVEL (`info`) on: a JSON object a line, or, with
 * LOG_FORMAT=pretty, for a person to read.
 *
 * @throws ConfigError when LOG_LEVEL is none of pino's levels.
 */
export function createLogger(env: Record<string, string | undefined> = process.env): Logger {
  const level = env['LOG_LEVEL'] || 'info'
  if (level !== 'silent' && !(level in levels.values)) {
    throw new ConfigError(`LOG_LEVEL is "${level}": use ${Object.keys(levels.values).join(', ')} or silent.`)
  }
  const options = { level, serializers: { err: serializeError } }
  if (env['LOG_FORMAT'] !== 'pretty') return pino(options, pino.destination(2))
  return pino(options, { write: (line: string) => process.stderr.write(formatLine(JSON.parse(line))) })
}

/** Drivers hang clients and whole requests on their errors: pino's own serializer would log those too. */
function serializeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const { code } = error as { code?: unknown }
  return {
    type: error.name,
    message: error.message,
    ...(code === undefined ? {} : { code }),
    stack: error.stack,
    ...(error.cause === undefined ? {} : { cause: serializeError(error.cause) }),
  }
}

const ERROR_LEVEL = 50
const COLORS = { debug: 'dim', info: 'cyan', warn: 'yellow', error: 'red', fatal: 'red' } as const

interface Line {
  level: number
  time: number
  msg: string
  err?: { message: string; stack?: string }
}

function formatLine({ level, time, msg, err, ...rest }: Line): string {
  const name = levels.labels[level] ?? 'info'
  const color = name in COLORS ? COLORS[name as keyof typeof COLORS] : 'dim'
  const { pid: _pid, hostname: _hostname, ...fields } = rest as Record<string, unknown>
  const clock = new Date(time).toTimeString().slice(0, 8)
  const shown = Object.entries(fields).map(([key, value]) => ` ${key}=${JSON.stringify(value)}`)
  const reason = err === undefined ? '' : `: ${err.message}`
  const stack = err?.stack !== undefined && level >= ERROR_LEVEL ? `\n${err.stack}` : ''
  return `${styleText('dim', clock)} ${styleText(color, name)} ${msg}${reason}${styleText('dim', shown.join(''))}${stack}\n`
}
