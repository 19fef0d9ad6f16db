/** Why an attempt's `ctx.signal` aborted. It is the signal's reason, so agents may look at `kind`. */
export class RunInterruption extends Error {
  override readonly name = 'RunInterruption'
  readonly kind:
    | 'cancelled'
    | 'timed_out'
    | 'drained'
    | 'crashed'
    | 'crashed_alone'
    | 'waiting'
    | 'failed'
    | 'over_budget'
    | 'lost'

  constructor(kind: RunInterruption['kind'], options?: ErrorOptions) {
    super(MESSAGES[kind], options)
    this.kind = kind
  }
}

const MESSAGES = {
  cancelled: 'The run was cancelled.',
  timed_out: 'The run took longer than its timeout.',
  drained: 'The worker is stopping; the run goes on elsewhere.',
  crashed: 'An error that nobody caught broke the worker; the run goes on elsewhere.',
  crashed_alone: 'An error that nobody caught broke the worker.',
  over_budget: "The run's budget is used up.",
  failed: 'Something that the agent did not wait for failed.',
  waiting: 'The run waits; another attempt goes on when it need not any more.',
  lost: 'This worker no longer holds the run.',
} as const
