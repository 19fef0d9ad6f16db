import { noTracer } from './no-tracer.ts'
import type { Operation, OperationOutcome, Span, Tracer } from './tracer.ts'

/** Runs `work` in a span. An error ends the span and is thrown on. */
export async function traced<T>(
  tracer: Tracer | undefined,
  operation: Operation,
  work: (span: Span) => Promise<T> | T,
  outcomeOf: (result: T) => OperationOutcome = () => ({}),
): Promise<T> {
  const span = (tracer ?? noTracer).begin(operation)
  try {
    const result = await span.within(() => work(span))
    span.end(outcomeOf(result))
    return result
  } catch (error) {
    span.end({ error })
    throw error
  }
}
