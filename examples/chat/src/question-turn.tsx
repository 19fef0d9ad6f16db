import { useState } from 'react'
import { textOf } from '../../../client/index.ts'
import { CopyButton } from './copy-button.tsx'
import { EditForm } from './edit-form.tsx'
import { FileChip } from './file-chip.tsx'
import { focusToType } from './focus-to-type.ts'
import { IconButton } from './icon-button.tsx'
import { SiblingSwitch } from './sibling-switch.tsx'
import type { UserMessage } from './turns.ts'
import type { Chat } from './use-chat.ts'
import { useReturningFocus } from './use-returning-focus.ts'

interface QuestionTurnProps {
  chat: Chat
  message: UserMessage
}

export function QuestionTurn({ chat, message }: QuestionTurnProps) {
  const [isEditing, setIsEditing] = useState(false)
  const [attachButton, comeBack] = useReturningFocus()
  const text = textOf(message)
  const files =
    typeof message.content === 'string' ? [] : message.content.filter(({ type }) => type === 'file')

  if (isEditing) {
    return (
      <li className="turn question">
        <EditForm
          text={text}
          onSend={(edited) => chat.edit(message, edited)}
          onSent={() => {
            setIsEditing(false)
            focusToType(chat.input.current)
          }}
          onLeave={() => {
            comeBack()
            setIsEditing(false)
          }}
        />
      </li>
    )
  }
  return (
    <li className="turn question">
      {files.length > 0 && (
        <ul className="files">
          {files.map(
            (part) => part.type === 'file' && <FileChip key={part.fileId ?? part.url} part={part} />,
          )}
        </ul>
      )}
      {text !== '' && <div className="message user">{text}</div>}
      {message.pending === undefined && (
        <div className="actions">
          <SiblingSwitch message={message} isDisabled={chat.isBusy} onSelect={chat.select} />
          <CopyButton label="Copy" text={text} />
          {!chat.isBusy && (
            <IconButton
              ref={attachButton}
              className="small-button"
              icon="edit"
              label="Edit"
              onClick={() => setIsEditing(true)}
            />
          )}
        </div>
      )}
    </li>
  )
}
