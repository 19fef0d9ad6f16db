// A conversation as it is shown: what was asked and answered, in turns.
import type { LiveMessage } from '../../../client/index.ts'

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
  messages: LiveMessage[]
}

export function turnsOf(messages: readonly LiveMessage[]): (Question | Answer)[] {
  const turns: (Question | Answer)[] = []
  for (const message of messages) {
    const { role, runId, parentId } = message
    const last = turns.at(-1)
    if (role === 'user') turns.push({ kind: 'question', key: `question ${parentId}`, message })
    if (role !== 'assistant') continue
    if (last?.kind === 'answer' && last.runId === runId) last.messages.push(message)
    else turns.push({ kind: 'answer', key: `answer ${parentId}`, runId, messages: [message] })
  }
  return turns
}
