// A client may send the whole history with its question. Comparing the two shows whether it does.
import { canonicalJson } from './canonical-json.ts'
import type { Json } from './json.ts'
import type { Message } from './message.ts'
import { textOf } from './text-of.ts'

/** A message of the conversation, in the form that is compared. */
export interface SaidBefore {
  message: Message
  /** A reader that followed it live may have got only a part of it. */
  isIncomplete: boolean
  /**
   * The run under way was sent this message. The text that the run had emitted by then may come before it.
   */
  isSent?: boolean
}

/**
 * How many messages at the beginning of a list are the whole conversation. 0 unless the list has all of it
 * and more.
 *
 * @param isGoingOn the last run is under way, so the list may also contain a part of that run's answer
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

/** Text as a string equals the same text as parts. Reasoning is ignored, since readers do not get it. */
function contentOf({ content }: Message): string {
  if (content === null || typeof content === 'string') return content ?? ''
  const parts = content.filter(({ type }) => type !== 'reasoning')
  if (parts.every(({ type }) => type === 'text')) return textOf(content)
  return canonicalJson(parts as unknown as Json)
}
