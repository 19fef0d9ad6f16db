// A conversation as the page shows it: questions and answers, in turns.
import type { LiveMessage } from '../../../client/index.ts'

export type UserMessage = LiveMessage & { role: 'user' }

export interface Question {
  kind: 'question'
  /** The id of the version's place. Choosing another version shows it there. */
  key: string
  message: UserMessage
}

/** The whole answer of one run: its texts and its calls of tools. */
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
