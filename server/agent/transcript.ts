import type { AgentMessage } from '../contract/message.ts'
import type { Part } from '../contract/message-part.ts'
import { tokensOfText } from './estimate-tokens.ts'

/**
 * Messages as text, for a model that needs neither their tools nor what their provider wants back: in pieces of about so many tokens. A
 * message that is longer is cut.
 */
export function toPieces(messages: readonly AgentMessage[], tokens: number): string[] {
  const texts = messages
    .map(transcribe)
    .flatMap((text) => (tokensOfText(text) <= tokens ? [text] : sliced(text, tokens)))
  const pieces: string[] = []
  let size = 0
  for (const text of texts) {
    const more = tokensOfText(text)
    if (pieces.length > 0 && size + more <= tokens) {
      pieces[pieces.length - 1] += `\n\n${text}`
      size += more
    } else {
      pieces.push(text)
      size = more
    }
  }
  return pieces
}

function transcribe(message: AgentMessage): string {
  if (message.role === 'tool') return `[result of ${message.toolCallId}]\n${toText(message.content)}`
  const calls = message.role === 'assistant' ? (message.toolCalls ?? []) : []
  const called = calls.map(
    ({ id, name, arguments: args }) => `[calls ${name} as ${id}] ${JSON.stringify(args)}`,
  )
  return [`[${message.role}]`, toText(message.content ?? ''), ...called].filter(Boolean).join('\n')
}

function toText(content: string | readonly Part[]): string {
  if (typeof content === 'string') return content
  return content.flatMap(toTexts).join('\n')
}

function toTexts(part: Part): string[] {
  if (part.type === 'reasoning') return []
  if ('text' in part) return [part.text]
  return [`[${part.type}${'filename' in part ? ` ${part.filename}` : ''}]`]
}

/** A character has three bytes at most, and so less than a token: no piece is longer than it may be. */
function sliced(text: string, tokens: number): string[] {
  return Array.from({ length: Math.ceil(text.length / tokens) }, (_, index) =>
    text.slice(index * tokens, (index + 1) * tokens).toWellFormed(),
  )
}
