import type { AgentMessage, Message, ToolCall } from '../../contract/message.ts'
import type { Json } from '../../contract/json.ts'
import { createCallIds } from './call-ids.ts'
import { withResults } from './history.ts'

export interface ProviderMessages {
  messages: Message[]
  /** What the provider sent along with one of these messages, to be returned unchanged. */
  dataOf(message: Message): Json | undefined
}

/**
 * A conversation as its provider knows it: with the provider's own ids of tool calls, and what it wants back. Ids are only unique
 * within one answer of a provider, so the runtime has its own; messages that came from elsewhere keep those.
 */
export function toProviderMessages(given: readonly AgentMessage[], provider: string): ProviderMessages {
  const { said, stored } = read(given, provider)
  const ids = new Map<string, string>()
  return translate(said, stored, {
    toCallId: (id, theirs) => {
      ids.set(id, theirs ?? id)
      return theirs ?? id
    },
    toResultId: (id) => ids.get(id) ?? id,
  })
}

/**
 * The same, as every provider takes it: each call has its result after it, and calls that came from elsewhere keep their ids where
 * these are valid.
 *
 * @param isOwn whether what was stored with an answer is for whom it is sent to now, which may be another server of the provider's format.
 */
export function toValidMessages(
  given: readonly AgentMessage[],
  provider: string,
  isOwn: (data: Json | undefined) => boolean = () => true,
): ProviderMessages {
  const { said, stored } = read(given, provider)
  const toId = createCallIds()
  /** Of the calls whose results come next, in their order. */
  const pending: string[] = []
  return translate(
    withResults(said, (message) => stored.get(message)?.data !== undefined),
    stored,
    {
      toCallId: (id, theirs, data) => {
        const valid = theirs !== undefined && isOwn(data) ? theirs : toId(id)
        pending.push(valid)
        return valid
      },
      toResultId: (id) => pending.shift() ?? id,
    },
  )
}

interface Stored {
  ids: readonly string[]
  data: Json | undefined
}

function read(given: readonly AgentMessage[], provider: string) {
  const stored = new Map<Message, Stored>()
  const said = given.map((message): Message => {
    if (message.role !== 'assistant' || message.providerData === undefined) return message
    const { providerData, ...rest } = message
    if (providerData.provider !== provider) return rest
    const data = providerData.data === null ? undefined : (JSON.parse(providerData.data) as Json)
    stored.set(rest, { ids: providerData.toolCallIds, data })
    return rest
  })
  return { said, stored }
}

interface Ids {
  toCallId(id: string, theirs: string | undefined, data: Json | undefined): string
  toResultId(id: string): string
}

function translate(
  said: readonly Message[],
  stored: ReadonlyMap<Message, Stored>,
  ids: Ids,
): ProviderMessages {
  const data = new Map<Message, Json>()
  const messages = said.map((message): Message => {
    if (message.role === 'tool') return { ...message, toolCallId: ids.toResultId(message.toolCallId) }
    if (message.role !== 'assistant') return message
    const own = stored.get(message)
    const toolCalls = message.toolCalls?.map((call, index): ToolCall => ({
      ...call,
      id: ids.toCallId(call.id, own?.ids[index], own?.data),
    }))
    const known: Message = toolCalls === undefined ? message : { ...message, toolCalls }
    if (own?.data !== undefined) data.set(known, own.data)
    return known
  })
  return { messages, dataOf: (message) => data.get(message) }
}
