import { textOf } from '../../../client/index.ts'
import { AnswerPart } from './answer-part.tsx'
import { CopyButton } from './copy-button.tsx'
import { IconButton } from './icon-button.tsx'
import { keyedParts } from './keyed-parts.ts'
import { SiblingSwitch } from './sibling-switch.tsx'
import type { Answer } from './turns.ts'
import type { Chat } from './use-chat.ts'

interface AnswerTurnProps {
  chat: Chat
  answer: Answer
}

export function AnswerTurn({ chat, answer: { messages, runId } }: AnswerTurnProps) {
  // A call of an aborted answer exists only on the page. The stored answer knows its versions.
  const first = messages.find(({ siblings }) => siblings !== undefined) ?? messages[0]
  const text = messages.map(textOf).filter(Boolean).join('\n\n')
  const isOver = !(chat.run.isActive && chat.run.runId === runId)

  return (
    <li className="turn answer">
      {keyedParts(messages).map(({ key, message, part }) => (
        <AnswerPart
          key={key}
          part={part}
          isStreaming={message.pending === 'streaming' && part === message.parts.at(-1)}
          isIncomplete={message.incomplete === true}
        />
      ))}
      {messages.some(({ incomplete }) => incomplete) && (
        <p className="incomplete">This answer was broken off.</p>
      )}
      {isOver && first !== undefined && (
        <div className="actions">
          <SiblingSwitch message={first} isDisabled={chat.isBusy} onSelect={chat.select} />
          {text !== '' && <CopyButton label="Copy" text={text} />}
          {!chat.isBusy && (
            <IconButton
              className="small-button"
              icon="redo"
              label="Answer again"
              onClick={() => void chat.regenerate(first.id)}
            />
          )}
        </div>
      )}
    </li>
  )
}
