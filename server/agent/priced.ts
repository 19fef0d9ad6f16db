import type { CostOf, Model, ModelChunk } from '../ports/model.ts'

/** The chunk, with what the answer cost where it ends one. */
export function priced(chunk: ModelChunk, model: Model, costOf: CostOf): ModelChunk {
  if (chunk.type !== 'finish' || chunk.usage.cost !== undefined) return chunk
  return { ...chunk, usage: { ...chunk.usage, cost: costOf(chunk.answeredBy ?? model, chunk.usage) } }
}
