import { NonRetriableError } from './non-retriable-error.ts'

/**
 * What a step that is done at most once rejects with, where an earlier attempt began it and did not end it: it was done, or not, or in
 * part. Nothing catching it, the run fails for good.
 */
export class StepInterruptedError extends NonRetriableError {
  /** The attempt that began it. */
  readonly attempt: number
  /** With which it was begun: a service that took it may tell what became of it. */
  readonly idempotencyKey: string

  constructor(name: string, { attempt, idempotencyKey }: { attempt: number; idempotencyKey: string }) {
    super(`Step "${name}" was begun in attempt ${attempt} and did not end. It is done at most once.`)
    this.attempt = attempt
    this.idempotencyKey = idempotencyKey
  }
}
