import type { Logger } from '../../ports/logger.ts'
import type { MessageOf } from './protocol.ts'

/** Of an attempt: of those that it has logged, and of those that it prints. */
const MAX_LINES = 1_000

/** Logs what a process says for the log. */
export const messageLogger = (log: Logger): ((message: MessageOf<'log'>) => void) =>
  limited(log, {}, ({ level, fields = {}, message }) => log[level](fields, message))

/** Logs what a process writes to its standard error. */
export const stderrLogger = (log: Logger): ((line: string) => void) =>
  limited(log, { stream: 'stderr' }, (line) => log.info({ stream: 'stderr' }, line))

/** Writes lines as far as they are not a flood. */
function limited<T>(log: Logger, fields: object, write: (line: T) => void): (line: T) => void {
  let lines = 0
  return (line) => {
    lines += 1
    if (lines <= MAX_LINES) write(line)
    else if (lines === MAX_LINES + 1) log.warn(fields, 'further lines of this attempt are left out')
  }
}
