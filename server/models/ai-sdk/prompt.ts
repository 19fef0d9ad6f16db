import type { Message, ToolCall } from '../../contract/message.ts'
import type { Json } from '../../contract/json.ts'
import type { Part } from '../../contract/message-part.ts'
import { textOf } from '../../contract/text-of.ts'
import type { AgentMessage } from '../../contract/message.ts'
import { PROMPT, merged } from '../provider/history.ts'
import { toValidMessages } from '../provider/provider-messages.ts'
import { toArgumentsObject } from '../provider/tool-arguments.ts'
import { type AnswerPart, readAnswerData } from './answer-parts.ts'
import type { FileWriter } from './files.ts'

interface Said {
  role: 'user' | 'assistant' | 'tool'
  content: object[]
}
type PromptMessage = Said | { role: 'system'; content: string }

/**
 * A conversation as every model of the AI SDK takes it: instructions first and in one, results of parallel calls in one message,
 * and the user speaking first.
 */
export function toPrompt(
  given: readonly AgentMessage[],
  { provider, files }: { provider: string; files: FileWriter },
): PromptMessage[] {
  const { messages, dataOf } = toValidMessages(given, provider)
  const system = messages.flatMap((message) => (message.role === 'system' ? [textOf(message)] : []))
  const said = merged(
    messages.filter(({ role }) => role !== 'system'),
    (message) => dataOf(message) !== undefined,
  )
  const prompt: Said[] = []
  /** Of the calls so far, since results are told with their tool. */
  const names = new Map<string, string>()
  for (const message of said[0]?.role === 'user' ? said : [PROMPT, ...said]) {
    const last = prompt.at(-1)
    const next = toMessage(message, { data: dataOf(message), names, files })
    if (next === undefined) continue
    if (next.role === 'tool' && last?.role === 'tool') last.content.push(...next.content)
    else prompt.push(next)
  }
  return [
    ...(system.length === 0 ? [] : [{ role: 'system' as const, content: system.join('\n\n') }]),
    ...prompt,
  ]
}

interface Known {
  data: Json | undefined
  names: Map<string, string>
  files: FileWriter
}

function toMessage(message: Message, { data, names, files }: Known): Said | undefined {
  switch (message.role) {
    case 'system':
      return undefined
    case 'user':
      return { role: 'user', content: toParts(message.content, files) }
    case 'tool': {
      const { toolCallId, content } = message
      const toolName = names.get(toolCallId) ?? ''
      const output = toOutput(content, files)
      return { role: 'tool', content: [{ type: 'tool-result', toolCallId, toolName, output }] }
    }
    case 'assistant': {
      const { toolCalls = [] } = message
      for (const { id, name } of toolCalls) names.set(id, name)
      const returned = toReturned(readAnswerData(data) ?? [], { toolCalls, files })
      const content = returned ?? [
        ...toParts(message.content ?? '', files),
        ...toolCalls.map((call) => toCall(call)),
      ]
      return content.length === 0 ? undefined : { role: 'assistant', content }
    }
  }
}

const toCall = ({ id, name, arguments: input }: ToolCall) => ({
  type: 'tool-call',
  toolCallId: id,
  toolName: name,
  input: toArgumentsObject(input),
})

/** What was stored with an answer, unless the answer has other calls by now. */
function toReturned(
  parts: readonly AnswerPart[],
  { toolCalls, files }: { toolCalls: readonly ToolCall[]; files: FileWriter },
): object[] | undefined {
  const own = parts.filter((part) => part.type === 'tool-call' && !part.isTheirs)
  if (parts.length === 0 || own.length !== toolCalls.length) return undefined
  const calls = [...toolCalls]
  return parts.flatMap((part): object[] => {
    const options = part.metadata === undefined ? {} : { providerOptions: part.metadata }
    switch (part.type) {
      case 'text':
        return part.text === '' && part.metadata === undefined
          ? []
          : [{ type: part.type, text: part.text, ...options }]
      case 'reasoning':
        return [{ type: part.type, text: part.text, ...options }]
      case 'tool-call': {
        const { id, name, input, isTheirs } = part
        if (isTheirs)
          return [{ ...toCall({ id, name, arguments: input }), providerExecuted: true, ...options }]
        return [{ ...toCall({ ...calls.shift()!, arguments: input }), ...options }]
      }
      case 'tool-result': {
        const output = { type: part.isError ? 'error-json' : 'json', value: part.result }
        return [{ type: part.type, toolCallId: part.id, toolName: part.name, output, ...options }]
      }
      case 'file':
      case 'reasoning-file':
        return [{ type: part.type, mediaType: part.mediaType, data: files.returned(part.data), ...options }]
      case 'custom':
        return [{ type: part.type, kind: part.kind, ...options }]
    }
  })
}

function toOutput(content: string | readonly Part[], files: FileWriter): object {
  if (typeof content === 'string') return { type: 'text', value: content }
  return { type: 'content', value: content.flatMap((part) => toPart(part, files.inResult)) }
}

function toParts(content: string | readonly Part[], files: FileWriter): object[] {
  const parts: readonly Part[] = typeof content === 'string' ? [{ type: 'text', text: content }] : content
  return parts.flatMap((part) => toPart(part, files.inMessage))
}

/** What a model thought is left out: what its provider wants back is stored apart. */
function toPart(part: Part, toFile: FileWriter['inMessage']): object[] {
  switch (part.type) {
    case 'text':
    case 'refusal':
      return part.text.trim() === '' ? [] : [{ type: 'text', text: part.text }]
    case 'reasoning':
      return []
    case 'image':
    case 'audio':
    case 'file':
      return [toFile(part)]
  }
}
