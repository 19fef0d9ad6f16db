import { Console } from 'node:console'
import { styleText } from 'node:util'
import { levels, pino } from 'pino'
import { ConfigError } from '../config/config-error.ts'
import type { Logger } from '../ports/logger.ts'
import { readError } from '../ports/read-error.ts'
import { withoutSecretFields, withoutSecrets } from './redacted.ts'

/**
 * Logs to standard error from level LOG_LEVEL (`info`) on: a JSON object a line, or, with
 * LOG_FORMAT=pretty, for a person to read. Secrets are left out: fields that are called like one, and texts that look like one.
 *
 * @throws ConfigError when LOG_LEVEL is none of pino's levels.
 */
export function createLogger(env: Record<string, string | undefined> = process.env): Logger {
  const level = env['LOG_LEVEL'] || 'info'
  if (level !== 'silent' && !(level in levels.values)) {
    throw new ConfigError(`LOG_LEVEL is "${level}": use ${Object.keys(levels.values).join(', ')} or silent.`)
  }
  const options = { level, serializers: { err: (error: unknown) => serializeError(error) } }
  const write = lineWriter()
  if (env['LOG_FORMAT'] !== 'pretty') {
    return pino(options, { write: (line: string) => write(withoutSecretFields(line)) })
  }
  return pino(options, { write: (line: string) => write(formatLine(JSON.parse(withoutSecretFields(line)))) })
}

const MAX_WAITING_BYTES = 2 ** 22

/**
 * A log must not end the process, nor hold it: what nobody takes is dropped. pino's own destination waits for ever at the
 * exit of a process whose terminal is closed, and keeps everything for a reader that stands still.
 */
function lineWriter(): (line: string) => void {
  const output = new Console({ stdout: process.stderr, ignoreErrors: true })
  return (line) => {
    if (process.stderr.writableLength < MAX_WAITING_BYTES) output.log(withoutSecrets(line.slice(0, -1)))
  }
}

/** Causes of causes that are logged; one may be its own. */
const MAX_CAUSES = 5

/** Drivers hang clients and whole requests on their errors: pino's own serializer would log those too. */
function serializeError(error: unknown, causes = 0): unknown {
  const { name, message, stack, code, cause } = readError(error)
  return {
    type: name,
    message,
    ...(isPlain(code) ? { code } : {}),
    stack,
    ...(cause === undefined || causes === MAX_CAUSES ? {} : { cause: serializeError(cause, causes + 1) }),
  }
}

function isPlain(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number'
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
