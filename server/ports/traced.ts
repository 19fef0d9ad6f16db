import { noTracer } from './no-tracer.ts'
import type { Operation, OperationOutcome, Span, Tracer } from './tracer.ts'

/** Does what is to be traced. What it throws ends its span, and goes on. */
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
