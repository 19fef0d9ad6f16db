import type { Logger } from '../../ports/logger.ts'

/** Logs what a process writes to its standard error, as far as that is not a flood. */
export function stderrLogger(log: Logger, maxLines = 1_000): (line: string) => void {
  let lines = 0
  return (line) => {
    lines += 1
    if (lines <= maxLines) log.info({ stream: 'stderr' }, line)
    else if (lines === maxLines + 1)
      log.warn({ stream: 'stderr' }, 'further lines of this attempt are left out')
  }
}
