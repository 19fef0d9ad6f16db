/** Why an attempt's `ctx.signal` aborted. It is the signal's reason, so agents may look at `kind`. */
export class RunInterruption extends Error {
  override readonly name = 'RunInterruption'
  readonly kind: 'cancelled' | 'timed_out' | 'drained' | 'waiting' | 'lost'

  constructor(kind: RunInterruption['kind']) {
    super(MESSAGES[kind])
    this.kind = kind
  }
}

const MESSAGES = {
  cancelled: 'The run was cancelled.',
  timed_out: 'The run took longer than its timeout.',
  drained: 'The worker is stopping; the run goes on elsewhere.',
  waiting: 'The run waits; another attempt goes on when it need not any more.',
  lost: 'This worker no longer holds the run.',
} as const
