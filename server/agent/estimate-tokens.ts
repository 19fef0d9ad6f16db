// How many tokens a request has, about, where no provider has counted it yet.
import type { AgentMessage } from '../contract/message.ts'
import type { Part } from '../contract/message-part.ts'
import type { ToolSpec } from '../ports/model.ts'

/** English has four letters to a token, and scripts with fewer have more bytes to a letter. */
const BYTES_PER_TOKEN = 4
/** What a provider adds around each message. */
const TOKENS_PER_MESSAGE = 4
/** Their size in tokens is their provider's affair, and has little to do with their bytes. */
const TOKENS_PER_IMAGE = 1_500
const TOKENS_PER_FILE = 5_000

/** A token for four bytes of UTF-8; 1,500 for a picture, 5,000 for another file. */
export function estimateTokens(messages: readonly AgentMessage[]): number {
  return messages.reduce((sum, message) => sum + tokensOfMessage(message), 0)
}

export function estimateToolTokens(tools: readonly ToolSpec[]): number {
  return tools.reduce((sum, tool) => sum + tokensOfText(JSON.stringify(tool)), 0)
}

export const tokensOfText = (text: string): number => Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN)

function tokensOfMessage(message: AgentMessage): number {
  const { content } = message
  const calls = message.role === 'assistant' ? (message.toolCalls ?? []) : []
  const said = typeof content === 'string' ? tokensOfText(content) : tokensOfParts(content ?? [])
  return calls.reduce(
    (sum, { name, arguments: args }) => sum + tokensOfText(name) + tokensOfText(JSON.stringify(args)),
    TOKENS_PER_MESSAGE + said,
  )
}

function tokensOfParts(parts: readonly Part[]): number {
  return parts.reduce((sum, part) => sum + tokensOfPart(part), 0)
}

function tokensOfPart(part: Part): number {
  switch (part.type) {
    case 'text':
    case 'refusal':
      return tokensOfText(part.text)
    // No provider is sent it.
    case 'reasoning':
      return 0
    case 'image':
      return TOKENS_PER_IMAGE
    case 'audio':
    case 'file':
      return TOKENS_PER_FILE
  }
}
