// Messages in the format of OpenAI's chat completions (https://platform.openai.com/docs/api-reference/chat),
// which clients in other languages know. This API adds `audio_url`, `file_url` and `reasoning`, for which
// that format has no place.
import { z } from 'zod'
import { Json } from './json.ts'
import type { Message, ToolCall } from './message.ts'
import type { Part } from './message-part.ts'
import { ChatPart, fromPart, toChatPart } from './chat-part.ts'

// The schema of the message made from these parts checks which parts a role may have.
const Content = z.union([z.string(), z.array(ChatPart)], { error: 'expected text, or a list of parts' })
const name = z.string().optional()

const ChatFunction = z.object({ name: z.string().min(1), arguments: z.string() })

const ChatToolCall = z.object({
  id: z.string().min(1),
  type: z.literal('function').default('function'),
  function: ChatFunction,
})

/**
 * A message as a caller may write it. `developer`, `function` and `function_call` are other names, older or
 * newer, for the same things.
 */
export type ChatMessage = z.infer<typeof ChatMessage>
export const ChatMessage = z.discriminatedUnion('role', [
  z.object({ role: z.literal('system'), content: Content, name }),
  z.object({ role: z.literal('developer'), content: Content, name }),
  z.object({ role: z.literal('user'), content: Content, name }),
  z.object({
    role: z.literal('assistant'),
    content: Content.nullable().default(null),
    name,
    refusal: z.string().nullish(),
    tool_calls: z.array(ChatToolCall).optional(),
    function_call: ChatFunction.nullish(),
  }),
  z.object({ role: z.literal('tool'), tool_call_id: z.string().min(1), content: Content }),
  z.object({ role: z.literal('function'), name: z.string().min(1), content: z.string().nullable() }),
])

/** A message as callers get it. */
export type WrittenChatMessage = z.infer<typeof WrittenChatMessage>
export const WrittenChatMessage = z.discriminatedUnion('role', [
  z.object({ role: z.enum(['system', 'user']), content: Content, name }),
  z.object({
    role: z.literal('assistant'),
    content: Content.nullable(),
    name,
    tool_calls: z.array(ChatToolCall).optional(),
  }),
  z.object({ role: z.literal('tool'), tool_call_id: z.string(), content: Content }),
])

/**
 * Converts to the runtime's messages. The schema of {@link Message} refuses invalid ones later, such as an
 * empty list of parts.
 *
 * @example
 * fromChatMessages([{ role: 'developer', content: 'Be brief.' }]) // [{ role: 'system', content: 'Be brief.' }]
 */
export function fromChatMessages(messages: readonly ChatMessage[]): Message[] {
  // Calls by `function_call` have no ids. Their results follow one after the other, and name the function.
  const unanswered: { id: string; name: string }[] = []
  return messages.map((message, index): Message => {
    switch (message.role) {
      case 'system':
      case 'developer':
        return { role: 'system', content: fromContent(message.content), ...named(message) } as Message
      case 'user':
        return { role: 'user', content: fromContent(message.content), ...named(message) } as Message
      case 'tool':
        return {
          role: 'tool',
          toolCallId: message.tool_call_id,
          content: fromContent(message.content),
        } as Message
      case 'function': {
        const at = unanswered.findIndex((call) => call.name === message.name)
        const [call] = at === -1 ? [] : unanswered.splice(at, 1)
        return { role: 'tool', toolCallId: call?.id ?? message.name, content: message.content ?? '' }
      }
      case 'assistant': {
        const calls: ToolCall[] = (message.tool_calls ?? []).map(({ id, function: called }) =>
          fromCall(id, called),
        )
        if (message.function_call) {
          const id = `function_call_${index}`
          calls.push(fromCall(id, message.function_call))
          unanswered.push({ id, name: message.function_call.name })
        }
        const content = withRefusal(
          message.content === null ? null : fromContent(message.content),
          message.refusal,
        )
        const toolCalls = message.tool_calls === undefined && calls.length === 0 ? {} : { toolCalls: calls }
        return { role: 'assistant', content, ...named(message), ...toolCalls }
      }
    }
  })
}

/** @example toChatMessage({ role: 'tool', toolCallId: 'a', content: 'b' }) // { role: 'tool', tool_call_id: 'a', content: 'b' } */
export function toChatMessage(message: Message): WrittenChatMessage {
  switch (message.role) {
    case 'system':
    case 'user':
      return { role: message.role, content: toContent(message.content), ...named(message) }
    case 'tool':
      return { role: 'tool', tool_call_id: message.toolCallId, content: toContent(message.content) }
    case 'assistant': {
      const calls = message.toolCalls?.map((call) => ({
        id: call.id,
        type: 'function' as const,
        function: { name: call.name, arguments: writeArguments(call.arguments) },
      }))
      return {
        role: 'assistant',
        content: message.content === null ? null : toContent(message.content),
        ...named(message),
        ...(calls === undefined ? {} : { tool_calls: calls }),
      }
    }
  }
}

function named({ name: said }: { name?: string | undefined }): { name?: string } {
  return said === undefined ? {} : { name: said }
}

function withRefusal(
  content: string | Part[] | null,
  refusal: string | null | undefined,
): string | Part[] | null {
  if (refusal === null || refusal === undefined) return content
  const parts: Part[] = typeof content === 'string' ? [{ type: 'text', text: content }] : (content ?? [])
  return [...parts, { type: 'refusal', text: refusal }]
}

function fromContent(content: string | readonly ChatPart[]): string | Part[] {
  return typeof content === 'string' ? content : content.map(fromPart)
}

function toContent(content: string | readonly Part[]): string | ChatPart[] {
  return typeof content === 'string' ? content : content.map(toChatPart)
}

function fromCall(id: string, { name: called, arguments: text }: z.infer<typeof ChatFunction>): ToolCall {
  return { id, name: called, arguments: parseArguments(text) }
}

/** Models sometimes write arguments that are not JSON; the history keeps their text. */
function parseArguments(text: string): Json {
  try {
    const value = Json.parse(JSON.parse(text))
    // A string here is text that was not valid JSON, so it is passed on unchanged: a JSON string would have
    // lost its quotes.
    return typeof value === 'string' ? text : value
  } catch {
    return text
  }
}

const writeArguments = (value: Json) => (typeof value === 'string' ? value : JSON.stringify(value))
