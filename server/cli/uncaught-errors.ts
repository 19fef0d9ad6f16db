import { withoutQuerySecrets } from '../ports/query-secrets.ts'
import { readError } from '../ports/read-error.ts'

/** Takes charge of an uncaught error, or lets it end the process. */
export type JudgeError = (error: unknown) => 'handled' | 'fatal'

/**
 * Handles uncaught errors of timers, emitters and promises. Most often an agent forgot to await something, and `judge`
 * lays the error to its run. After any other error the state of the process is unknown, so `onFatal` has to end it.
 */
export function heedUncaughtErrors(onFatal: (error: unknown) => void, judge: JudgeError): void {
  process.on('uncaughtException', (error: unknown) => {
    if (judge(error) === 'handled') return
    const { stack, message } = readError(error)
    process.stderr.write(`${withoutQuerySecrets(stack ?? message)}\n`)
    onFatal(error)
  })
}
