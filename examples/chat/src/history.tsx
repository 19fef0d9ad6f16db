import type { ReactNode } from 'react'
import { AnswerTurn } from './answer-turn.tsx'
import { QuestionTurn } from './question-turn.tsx'
import type { Answer, Question } from './turns.ts'
import type { Chat } from './use-chat.ts'

interface HistoryProps {
  chat: Chat
  /** The runs under way, at the end. */
  children: ReactNode
}

export function History({ chat, children }: HistoryProps) {
  const { history, turns, isBusy } = chat
  const turnOf = (turn: Question | Answer) =>
    turn.kind === 'question' ? (
      <QuestionTurn key={turn.key} chat={chat} message={turn.message} />
    ) : (
      <AnswerTurn key={turn.key} chat={chat} answer={turn} />
    )
  return (
    <>
      {history.hasMore && (
        <button type="button" className="text-button" onClick={chat.showOlder}>
          Older messages
        </button>
      )}
      <ol className="messages" aria-label="Messages" aria-live="polite" aria-busy={isBusy}>
        {turns.map(turnOf)}
        {children}
      </ol>
    </>
  )
}
