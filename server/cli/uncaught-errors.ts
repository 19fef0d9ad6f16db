import { withoutSecrets } from '../telemetry/redacted.ts'
import { readError } from '../ports/read-error.ts'

/** Takes charge of an error that nobody caught, or leaves it to end the process. */
export type JudgeError = (error: unknown) => 'handled' | 'fatal'

/**
 * Heeds errors that nobody caught, of timers, emitters and promises: what an agent forgot to await, most often,
 * which `judge` lays to its run. After any other the state of the process is unknown, so `onFatal` is to end it.
 */
export function heedUncaughtErrors(onFatal: (error: unknown) => void, judge: JudgeError): void {
  process.on('uncaughtException', (error: unknown) => {
    if (judge(error) === 'handled') return
    const { stack, message } = readError(error)
    process.stderr.write(`${withoutSecrets(stack ?? message)}\n`)
    onFatal(error)
  })
}
