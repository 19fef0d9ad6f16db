import { withoutSecrets } from '../telemetry/redacted.ts'
import { readError } from '../ports/read-error.ts'

/** Handles an uncaught error, or leaves it to end the process. */
export type JudgeError = (error: unknown) => 'handled' | 'fatal'

/**
 * Handles uncaught errors of timers, emitters and promises. Mostly an agent forgot to await something;
 * `judge` then assigns the error to its run. After any other uncaught error the state of the process is
 * unknown, so `onFatal` must end it.
 */
export function heedUncaughtErrors(onFatal: (error: unknown) => void, judge: JudgeError): void {
  process.on('uncaughtException', (error: unknown) => {
    if (judge(error) === 'handled') return
    const { stack, message } = readError(error)
    process.stderr.write(`${withoutSecrets(stack ?? message)}\n`)
    onFatal(error)
  })
}
