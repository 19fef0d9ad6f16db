import type { Json } from '../../contract/json.ts'
import type { FinishReason, ModelChunk, TokenUsage } from '../../ports/model.ts'
import { ModelError } from '../../ports/model.ts'
import { type ServerEvent, parseEvent } from '../provider/read-events.ts'
import { parseToolArguments } from '../provider/tool-arguments.ts'
import type { ChatSource } from './chunks.ts'
import { ResponseEvent, type ResponseItem, type WholeResponse, toUsage, toWhole } from './responses-wire.ts'

const TEXTS: ReadonlySet<string> = new Set(['response.output_text.delta', 'response.refusal.delta'])
const THOUGHTS: ReadonlySet<string> = new Set([
  'response.reasoning_summary_text.delta',
  'response.reasoning_text.delta',
])
const ENDS: ReadonlySet<string> = new Set(['response.completed', 'response.incomplete', 'response.failed'])

/**
 * Turns the events of one streamed response into the port's chunks. Its items go with `finish`: what was thought, encrypted, above all.
 *
 * @throws what `toError` makes of an error in the stream, or of its end before the answer's.
 */
export async function* fromResponseEvents(
  events: AsyncIterable<ServerEvent>,
  source: ChatSource,
): AsyncGenerator<ModelChunk, void, undefined> {
  const items = new Map<number, ResponseItem>()
  /** Which of the answer's calls an item is. */
  const calls = new Map<number, { index: number; name: string }>()
  let hasText = false
  let whole: WholeResponse | undefined
  let isEnded = false

  try {
    for await (const { event, data } of events) {
      if (data.trim() === '[DONE]') {
        isEnded = true
        break
      }
      const parsed = parseEvent(data)
      if (parsed === 'broken') throw source.toError()
      if (parsed === undefined) continue
      const said = ResponseEvent.parse(parsed.value)
      const type = said.type ?? event ?? ''
      const at = said.output_index ?? 0
      if (said.object === 'response') whole = toWhole(parsed.value)
      else if (type === 'error' || (said.type === undefined && said.error !== undefined)) {
        const { code, message } = said.error ?? said
        throw source.toError({ code, message })
      } else if (TEXTS.has(type) && said.delta) {
        hasText = true
        yield { type: 'text', text: said.delta }
      } else if (THOUGHTS.has(type) && said.delta) yield { type: 'reasoning', text: said.delta }
      else if (type === 'response.output_item.added' && said.item?.type === 'function_call') {
        const call = { index: calls.size, name: said.item.name ?? '' }
        calls.set(at, call)
        yield { type: 'tool-input', ...call, text: '' }
      } else if (type === 'response.function_call_arguments.delta') {
        const call = calls.get(at)
        if (call && said.delta) yield { type: 'tool-input', ...call, text: said.delta }
      } else if (type === 'response.output_item.done' && said.item) items.set(at, said.item)
      else if (ENDS.has(type)) whole = said.response ?? toWhole({})
      if (whole !== undefined) break
    }
  } catch (error) {
    if (!(error instanceof ModelError) || whole === undefined) throw error
  }

  if (whole === undefined && !(isEnded && items.size > 0)) throw source.toError()
  if (whole?.error !== undefined || whole?.status === 'failed') throw source.toError(whole.error ?? {})
  const output = whole?.output?.length
    ? whole.output
    : [...items.keys()].toSorted((a, b) => a - b).map((at) => items.get(at)!)
  if (!hasText) {
    const text = output.flatMap(textsOf).join('')
    if (text !== '') yield { type: 'text', text }
  }
  yield* toCalls(output)
  yield toFinish(output, {
    reason: reasonOf(whole, output),
    usage: toUsage(whole ?? ({} as WholeResponse)),
    server: source.server,
  })
}

function textsOf({ type, content = [] }: ResponseItem): string[] {
  return type === 'message' ? content.map((part) => part.text ?? part.refusal ?? '') : []
}

function* toCalls(output: readonly ResponseItem[]): Generator<ModelChunk, void, undefined> {
  for (const { type, call_id: id = '', name = '', arguments: given } of output) {
    if (type !== 'function_call') continue
    const text = typeof given === 'string' ? given : JSON.stringify(given ?? {})
    yield { type: 'tool-call', toolCall: { id, name, arguments: parseToolArguments(text) } }
  }
}

function reasonOf(whole: WholeResponse | undefined, output: readonly ResponseItem[]): FinishReason {
  const reason = whole?.incomplete_details?.reason
  if (reason === 'content_filter') return 'content-filter'
  if (reason !== undefined || whole?.status === 'incomplete') return 'length'
  return output.some(({ type }) => type === 'function_call') ? 'tool-calls' : 'stop'
}

function toFinish(
  output: readonly ResponseItem[],
  { reason, usage, server }: { reason: FinishReason; usage: TokenUsage; server: string },
): ModelChunk {
  // A message has a place for its text, and for nothing else of an item.
  const isPlain = output.every((item) => item.type === 'message' && !item['phase'])
  if (isPlain) return { type: 'finish', reason, usage }
  // Items are parsed JSON, whatever their types say; what is undefined was not there.
  const items = JSON.parse(JSON.stringify(output)) as Json
  return { type: 'finish', reason, usage, providerData: { wire: 'responses', server, items } }
}
