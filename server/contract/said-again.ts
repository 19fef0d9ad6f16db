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
  /** The run under way was sent it: before it may come what that had said by then. */
  isSent?: boolean
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
  let next = 0
  for (const said of before) {
    if (said.isSent === true) next = afterAnswers(sent, next)
    if (!isSame(said, sent[next])) return 0
    next += 1
  }
  if (isGoingOn) next = afterAnswers(sent, next)
  return next < sent.length ? next : 0
}

function afterAnswers(sent: readonly Message[], from: number): number {
  const next = sent.findIndex(({ role }, index) => index >= from && role !== 'assistant' && role !== 'tool')
  return next === -1 ? sent.length : next
}

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
