import type { RunStreamEvent, StreamEvent } from '@openai/agents'
import type { TokenUsage } from '../../ports/model.ts'
import type { Teller } from '../teller.ts'
import { callOf, idOf, resultOf, saidIn } from './items.ts'
import type { Item } from './items.ts'
import { thinks } from './message-ids.ts'

interface Response {
  id?: string | undefined
  output: readonly unknown[]
  usage: {
    inputTokens: number
    outputTokens: number
    inputTokensDetails?: unknown
    outputTokensDetails?: unknown
  }
}

export interface Narrator {
  /** Messages that were told. */
  readonly said: ReadonlySet<string>
  /** What a model streams. */
  hearModel(event: StreamEvent): Promise<void>
  /** What came of it. */
  hear(event: RunStreamEvent): Promise<void>
  /** What others took on behalf of the model that answered last. */
  hearUsage(usage: TokenUsage): Promise<void>
}

/** Tells of what a stream of the SDK brings. @param failure what the SDK says of a tool that failed */
export function createNarrator(teller: Teller, failure: unknown): Narrator {
  /** Of the answer that comes now, where its provider gives messages no ids. */
  let nextId: string = crypto.randomUUID()
  /** Whether that answer was thought about, and the item that speaks first in it. */
  let hasThought = false
  let firstItem: string | undefined
  let model = 'unknown'
  const said = new Set<string>()

  /** Thoughts come before the id of a message does, so both have the answer's. */
  function messageIdOf(item: { id?: string | undefined }): string {
    const itemId = idOf(item)
    if (itemId === undefined) return nextId
    firstItem ??= itemId
    return hasThought && itemId === firstItem ? nextId : itemId
  }

  function beginAnswer(): void {
    hasThought = false
    firstItem = undefined
  }

  async function hearModel(data: StreamEvent): Promise<void> {
    const { type, delta, itemId, event, response } = Object(data) as Record<string, unknown>
    if (type === 'response_started') beginAnswer()
    if (type === 'output_text_delta' && typeof delta === 'string') {
      const messageId = messageIdOf({ id: typeof itemId === 'string' ? itemId : undefined })
      said.add(messageId)
      await teller.text(messageId, delta)
    }
    if (type === 'model') {
      const { name, id } = headOf(event)
      model = name ?? model
      nextId = id ?? nextId
      const thought = thoughtIn(event)
      if (thought === '') return
      hasThought = true
      said.add(nextId)
      await teller.reasoning(nextId, thought)
    }
    if (type === 'response_done') await onResponse(response as Response)
  }

  async function onResponse({ id, output, usage }: Response): Promise<void> {
    const items = output as Item[]
    nextId = idOf({ id }) ?? nextId
    // Of an answer that was stored before, only this is heard.
    if (firstItem === undefined && thinks(output)) hasThought = true
    let calling = nextId
    for (const item of items) {
      const content = saidIn(item)
      if (content === undefined) continue
      const messageId = messageIdOf(item)
      said.add(messageId)
      calling = messageId
      await teller.message(messageId, content)
    }
    await teller.usage(nextId, { provider: 'openai', name: model }, toUsage(usage))
    for (const item of items) {
      const call = callOf(item)
      if (call !== undefined) await teller.call(call, calling)
    }
    nextId = crypto.randomUUID()
    beginAnswer()
  }

  return {
    said,
    hearModel,
    // Each time by another id: what a crash has done again was taken again.
    hearUsage: (usage) => teller.usage(crypto.randomUUID(), { provider: 'openai', name: model }, usage),
    async hear(event) {
      if (event.type !== 'run_item_stream_event') return
      const result = resultOf(Object(event.item.rawItem) as Item, failure)
      if (result === undefined) return
      const { text, ...told } = result
      await teller.result({ ...told, result: text })
    },
  }
}

/** What an event tells of its answer: of chat completions each does, of responses those with the response. */
function headOf(event: unknown): { name?: string; id?: string } {
  const { response, object } = Object(event) as { response?: unknown; object?: unknown }
  const { id, model } = Object(object === 'chat.completion.chunk' ? event : response) as Record<
    string,
    unknown
  >
  const known = typeof id === 'string' ? idOf({ id }) : undefined
  return {
    ...(typeof model === 'string' ? { name: model } : {}),
    ...(known === undefined ? {} : { id: known }),
  }
}

/** Of responses and of chat completions, which have no field for it that is OpenAI's. */
function thoughtIn(event: unknown): string {
  const { type, delta, choices } = Object(event) as { type?: unknown; delta?: unknown; choices?: unknown }
  if (typeof type === 'string' && /^response\.reasoning(_summary)?_text\.delta$/.test(type)) {
    return typeof delta === 'string' ? delta : ''
  }
  const [choice] = Array.isArray(choices) ? (choices as unknown[]) : []
  const { delta: piece } = Object(choice) as { delta?: unknown }
  const { reasoning, reasoning_content: content } = Object(piece) as Record<string, unknown>
  return [reasoning, content].find((text) => typeof text === 'string') ?? ''
}

function toUsage({ inputTokens, outputTokens, ...details }: Response['usage']): TokenUsage {
  const cached = countIn(details.inputTokensDetails, 'cached_tokens')
  const thought = countIn(details.outputTokensDetails, 'reasoning_tokens')
  return {
    inputTokens,
    outputTokens,
    ...(cached === 0 ? {} : { cachedInputTokens: cached }),
    ...(thought === 0 ? {} : { reasoningTokens: thought }),
  }
}

/** The SDK has one for each request, or one in all. */
function countIn(details: unknown, name: string): number {
  return [details].flat().reduce((sum: number, each) => {
    const { [name]: count } = Object(each) as Record<string, unknown>
    return sum + (typeof count === 'number' ? count : 0)
  }, 0)
}
