// A conversation as it is shown: what was asked and answered, in turns.
import { textOf } from '../../../client/index.ts'
import type { LiveMessage } from '../../../client/index.ts'
import type { LiveSteps, Step } from './live-steps.ts'
import { resultOf, stepsOf } from './stored-steps.ts'

export type UserMessage = LiveMessage & { role: 'user' }

export interface Question {
  kind: 'question'
  /** Of its place: another version that is chosen is shown there. */
  key: string
  message: UserMessage
}

/** All that one run answered: its texts, and what it did for them. */
export interface Answer {
  kind: 'answer'
  key: string
  runId: string
  items: AnswerItem[]
  /** What it is regenerated and chosen among others by. */
  first: LiveMessage | null
  incomplete: boolean
}

export type AnswerItem = Step | { kind: 'text'; key: string; text: string; isStreaming: boolean }

/** `live` are the steps of the run in view, in their order: the history has what was called, and not what was thought. */
export function turnsOf(messages: readonly LiveMessage[], live?: LiveSteps): (Question | Answer)[] {
  const turns: (Question | Answer)[] = []
  const results = new Map(messages.flatMap((message) => resultOf(message) ?? []))

  const isKnown = ({ key }: Step) => live?.keys.has(key) === true

  function answerOf(runId: string, first: LiveMessage | null, parentId: string | null): Answer {
    const last = turns.at(-1)
    if (last?.kind === 'answer' && last.runId === runId) return last
    const key = `answer ${parentId}`
    const answer: Answer = { kind: 'answer', key, runId, items: [], first, incomplete: false }
    turns.push(answer)
    return answer
  }

  for (const message of messages) {
    if (message.role === 'user')
      turns.push({ kind: 'question', key: `question ${message.parentId}`, message })
    if (message.role !== 'assistant') continue
    const answer = answerOf(message.runId, message, message.parentId)
    const [thoughts, calls] = stepsOf(message, results)
    const text = textOf(message)
    answer.items.push(...(live?.before.get(message.id) ?? []), ...thoughts.filter((step) => !isKnown(step)))
    if (text !== '')
      answer.items.push({ kind: 'text', key: message.id, text, isStreaming: message.pending === 'streaming' })
    answer.items.push(...calls.filter((step) => !isKnown(step)))
    answer.incomplete ||= message.incomplete === true
  }
  if (live !== undefined && live.rest.length > 0) {
    answerOf(live.runId, null, messages.at(-1)?.id ?? null).items.push(...live.rest)
  }
  return turns
}
