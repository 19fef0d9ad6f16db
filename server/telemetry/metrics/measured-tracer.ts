import { isTerminal } from '../../contract/terminal.ts'
import type { Labels, Metrics } from '../../ports/metrics.ts'
import type { Operation, OperationOutcome, Span, Tracer } from '../../ports/tracer.ts'
import { errorTypeOf } from '../error-type.ts'
import { NAME, OPERATION, providerName } from '../names.ts'
import { COUNTERS, GAUGES, HISTOGRAMS } from './instruments.ts'

type Of<TKind extends Operation['kind']> = Extract<Operation, { kind: TKind }>

/** The same tracer. What it traces is measured too: attempts, models, tools. */
export function measuredTracer(tracer: Tracer, metrics: Metrics): Tracer {
  let active = 0
  metrics.observe(GAUGES.activeAttempts, () => [{ value: active, labels: {} }])

  function noteEnd(operation: Operation, outcome: OperationOutcome, seconds: number): void {
    if (operation.kind === 'attempt') noteAttempt(operation, outcome, seconds)
    if (operation.kind === 'model') noteModel(operation, outcome, seconds)
    if (operation.kind === 'tool') {
      metrics.record(HISTOGRAMS.tool, seconds, { [NAME.toolName]: operation.name, ...errorLabel(outcome) })
    }
  }

  function noteAttempt({ run }: Of<'attempt'>, { status }: OperationOutcome, seconds: number): void {
    const labels = { [NAME.agent]: run.agentKey, [NAME.runStatus]: status ?? 'lost' }
    metrics.record(HISTOGRAMS.attempt, seconds, labels)
    if (status === undefined) metrics.add(COUNTERS.leasesLost, 1, {})
    else if (isTerminal(status)) metrics.add(COUNTERS.runsEnded, 1, labels)
  }

  function noteModel(operation: Of<'model'>, outcome: OperationOutcome, seconds: number): void {
    const { provider, model } = operation
    const labels = modelLabels(outcome.answeredBy ?? { provider, name: model })
    metrics.record(HISTOGRAMS.model, seconds, { ...labels, ...errorLabel(outcome) })
    if (outcome.usage === undefined) return
    const { inputTokens: input, outputTokens: output, cost } = outcome.usage
    if (typeof cost === 'number') metrics.add(COUNTERS.modelCost, cost, labels)
    for (const [type, tokens] of Object.entries({ input, output })) {
      metrics.record(HISTOGRAMS.tokens, tokens, { ...labels, [NAME.tokenType]: type })
    }
  }

  const measure: Measure = {
    began({ kind }) {
      if (kind === 'attempt') active += 1
    },
    answers(operation, seconds) {
      if (operation.kind !== 'model') return
      const { provider, model: name } = operation
      metrics.record(HISTOGRAMS.firstChunk, seconds, modelLabels({ provider, name }))
    },
    ended(operation, outcome, seconds) {
      if (operation.kind === 'attempt') active -= 1
      noteEnd(operation, outcome, seconds)
    },
  }
  return {
    begin: (operation) => new MeasuredSpan(tracer.begin(operation), operation, measure),
    continueFrom: (readTraceparent, work) => tracer.continueFrom(readTraceparent, work),
  }
}

/** What is made of the moments of a span. */
interface Measure {
  began(operation: Operation): void
  answers(operation: Operation, seconds: number): void
  ended(operation: Operation, outcome: OperationOutcome, seconds: number): void
}

class MeasuredSpan implements Span {
  readonly #span: Span
  readonly #operation: Operation
  readonly #measure: Measure
  readonly #startedAt = performance.now()
  #isAnswering = false

  constructor(span: Span, operation: Operation, measure: Measure) {
    this.#span = span
    this.#operation = operation
    this.#measure = measure
    measure.began(operation)
  }

  get traceparent(): string | null {
    return this.#span.traceparent
  }

  within<T>(work: () => T): T {
    return this.#span.within(work)
  }

  answering(): void {
    if (!this.#isAnswering) this.#measure.answers(this.#operation, secondsSince(this.#startedAt))
    this.#isAnswering = true
    this.#span.answering()
  }

  end(outcome: OperationOutcome = {}): void {
    this.#measure.ended(this.#operation, outcome, secondsSince(this.#startedAt))
    this.#span.end(outcome)
  }
}

function modelLabels({ provider, name }: { provider: string; name: string }): Labels {
  return {
    [NAME.operation]: OPERATION.model,
    [NAME.provider]: providerName(provider),
    [NAME.model]: name,
  }
}

/** Empty where it ended well: each series has all labels of its instrument. */
function errorLabel({ error }: OperationOutcome): Labels {
  return { [NAME.errorType]: error === undefined ? '' : errorTypeOf(error) }
}

const secondsSince = (startedAt: number) => (performance.now() - startedAt) / 1000
