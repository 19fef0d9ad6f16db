import type { ChatChunk } from './chat-wire.ts'

/**
 * The chunk, where it is a piece of text and nothing else that is read, as most are: then it is what `ChatChunk` makes of it, at a tenth of
 * the time. Undefined where it may be anything else.
 */
export function plainChunk(value: unknown): ChatChunk | undefined {
  const { choices, usage, x_groq, error, object } = Object(value) as Record<string, unknown>
  if (isSaid(usage) || isSaid(x_groq) || isSaid(error) || object === 'error') return undefined
  if (!Array.isArray(choices) || choices.length !== 1) return undefined
  const choice = Object(choices[0]) as Record<string, unknown>
  if (isSaid(choice['finish_reason']) || isSaid(choice['message']) || isSaid(choice['usage']))
    return undefined
  const delta = Object(choice['delta']) as Record<string, unknown>
  const { content: text } = delta
  if (typeof text !== 'string') return undefined
  for (const key in delta) if (key !== 'content' && key !== 'role' && isSaid(delta[key])) return undefined
  const said = { ...NOTHING, content: { text, reasoning: '' } }
  return { choice: { ...NEITHER, delta: said }, usage: undefined, error: undefined }
}

const isSaid = (field: unknown) => field !== undefined && field !== null

const NOTHING = {
  refusal: undefined,
  reasoning_content: undefined,
  reasoning: undefined,
  reasoning_text: undefined,
  thinking: undefined,
  tool_calls: undefined,
  function_call: undefined,
}
const NEITHER = { message: undefined, finish_reason: undefined, usage: undefined }
