// A client may send all that was said before with what it asks. Whether it does is told by comparing the two.
import { canonicalJson } from './canonical-json.ts'
import type { Json } from './json.ts'
import type { Message } from './message.ts'
import { textOf } from './text-of.ts'

/** A message of the conversation, as it is compared. */
export interface SaidBefore {
  message: Message
  /** Who read it live may have had less of it. */
  isIncomplete: boolean
}

/**
 * How many messages a list begins with that are the whole of a conversation; 0 unless all of that is there and more follows.
 *
 * @param isGoingOn its last run is under way: what the list has next of that run's answer was said too
 */
export function countSaidAgain(
  before: readonly SaidBefore[],
  sent: readonly Message[],
  { isGoingOn }: { isGoingOn: boolean },
): number {
  if (before.length === 0 || before.length >= sent.length) return 0
  if (!before.every((said, index) => isSame(said, sent[index]))) return 0
  const next = isGoingOn
    ? sent.findIndex(({ role }, index) => index >= before.length && !isAnswer(role))
    : before.length
  return next === -1 ? 0 : next
}

const isAnswer = (role: Message['role']): boolean => role === 'assistant' || role === 'tool'

function isSame({ message, isIncomplete }: SaidBefore, sent: Message | undefined): boolean {
  if (message.role !== sent?.role) return false
  if (message.role === 'tool' && sent.role === 'tool' && message.toolCallId !== sent.toolCallId) return false
  if (message.role === 'assistant' && sent.role === 'assistant' && sent.toolCalls !== undefined) {
    if (canonicalJson(message.toolCalls ?? []) !== canonicalJson(sent.toolCalls)) return false
  }
  const [said, again] = [contentOf(message), contentOf(sent)]
  return said === again || (isIncomplete && (said.startsWith(again) || again.startsWith(said)))
}

/** Text is the same as a string and as parts. What a model thought is not sent to its readers. */
function contentOf({ content }: Message): string {
  if (content === null || typeof content === 'string') return content ?? ''
  const parts = content.filter(({ type }) => type !== 'reasoning')
  if (parts.every(({ type }) => type === 'text')) return textOf(content)
  return canonicalJson(parts as unknown as Json)
}
