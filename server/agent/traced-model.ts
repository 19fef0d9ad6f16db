import type { CostOf, Model, ModelChunk } from '../ports/model.ts'
import { noTracer } from '../ports/no-tracer.ts'
import { priced } from './priced.ts'
import type { OperationOutcome, Span, Tracer } from '../ports/tracer.ts'

type Finish = Extract<ModelChunk, { type: 'finish' }>

/** The same model, each of whose calls is traced: from the request to the end of the answer, or until nobody reads on. */
export function tracedModel(model: Model, tracer: Tracer, costOf?: CostOf): Model {
  // Each chunk would pass one more generator.
  if (tracer === noTracer) return model
  const { provider, name } = model
  return {
    provider,
    name,
    stream(request, signal, onActivity) {
      const begin = () => tracer.begin({ kind: 'model', provider, model: name, request })
      const price = (chunk: ModelChunk) => (costOf === undefined ? chunk : priced(chunk, model, costOf))
      return traceAnswer({ begin, price }, () => model.stream(request, signal, onActivity))
    },
  }
}

async function* traceAnswer(
  { begin, price }: { begin: () => Span; price: (chunk: ModelChunk) => ModelChunk },
  ask: () => AsyncIterable<ModelChunk>,
): AsyncGenerator<ModelChunk> {
  const span = begin()
  // Each step belongs to the span: the request is made at the first.
  const chunks = span.within(ask)[Symbol.asyncIterator]()
  let text = ''
  let outcome: OperationOutcome | undefined
  try {
    for (;;) {
      const { done, value } = await span.within(() => chunks.next())
      if (done === true) return
      const chunk = price(value)
      if (text === '') span.answering()
      if (chunk.type === 'text') text += chunk.text
      if (chunk.type === 'finish') outcome = { ...outcomeOf(chunk), output: text }
      yield chunk
    }
  } catch (error) {
    outcome = { error, output: text }
    throw error
  } finally {
    span.end(outcome ?? { output: text })
    await chunks.return?.()
  }
}

function outcomeOf({ usage, reason: finishReason, answeredBy }: Finish): OperationOutcome {
  return { usage, finishReason, ...(answeredBy === undefined ? {} : { answeredBy }) }
}
