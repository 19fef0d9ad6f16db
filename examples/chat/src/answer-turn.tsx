import { CopyButton } from './copy-button.tsx'
import { IconButton } from './icon-button.tsx'
import { Markdown } from './markdown.tsx'
import { SiblingSwitch } from './sibling-switch.tsx'
import { ToolStep } from './tool-step.tsx'
import type { Answer } from './turns.ts'
import type { Chat } from './use-chat.ts'

interface AnswerTurnProps {
  chat: Chat
  answer: Answer
}

export function AnswerTurn({ chat, answer }: AnswerTurnProps) {
  const { first, items, incomplete, runId } = answer
  const text = items.flatMap((item) => (item.kind === 'text' ? [item.text] : [])).join('\n\n')
  const isOver = !(chat.run.isActive && chat.run.runId === runId)

  return (
    <li className="turn answer">
      {items.map((item) =>
        item.kind === 'text' ? (
          <div key={item.key} className="message assistant" data-streaming={item.isStreaming}>
            <Markdown text={item.text} isStreaming={item.isStreaming || incomplete} />
          </div>
        ) : (
          <ToolStep key={item.key} step={item} />
        ),
      )}
      {incomplete && <p className="incomplete">This answer was broken off.</p>}
      {isOver && first !== null && (
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
