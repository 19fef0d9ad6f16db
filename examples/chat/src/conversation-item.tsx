import { useState } from 'react'
import type { Conversation } from '../../../client/index.ts'
import { IconButton } from './icon-button.tsx'
import { relativeTime } from './relative-time.ts'
import { RenameForm } from './rename-form.tsx'
import { useReturningFocus } from './use-returning-focus.ts'

interface ConversationItemProps {
  conversation: Conversation
  now: Date
  isCurrent: boolean
  onSelect: (conversationId: string) => void
  onRename: (title: string) => Promise<unknown>
  onDelete: () => void
}

export function ConversationItem(props: ConversationItemProps) {
  const { conversation, now, isCurrent, onSelect, onRename, onDelete } = props
  const [isRenaming, setIsRenaming] = useState(false)
  const [attachButton, comeBack] = useReturningFocus()
  const { id, createdAt } = conversation
  const title = conversation.title ?? 'Untitled'

  if (isRenaming) {
    return (
      <li>
        <RenameForm
          title={title}
          onSave={onRename}
          onClose={() => {
            comeBack()
            setIsRenaming(false)
          }}
        />
      </li>
    )
  }
  return (
    <li className="conversation">
      <a href={`#/c/${id}`} aria-current={isCurrent ? 'page' : undefined} onClick={() => onSelect(id)}>
        <span className="conversation-title">{title}</span>
        <time dateTime={createdAt} title={new Date(createdAt).toLocaleString()}>
          {relativeTime(new Date(createdAt), now)}
        </time>
      </a>
      <span className="conversation-actions">
        <IconButton
          ref={attachButton}
          className="small-button"
          icon="edit"
          label={`Rename “${title}”`}
          onClick={() => setIsRenaming(true)}
        />
        <IconButton className="small-button" icon="trash" label={`Delete “${title}”`} onClick={onDelete} />
      </span>
    </li>
  )
}
