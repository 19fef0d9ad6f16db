import { useEffect, useRef } from 'react'
import { Account } from './account.tsx'
import { ConversationList } from './conversation-list.tsx'
import { Icon } from './icon.tsx'
import { IconButton } from './icon-button.tsx'
import { keepFocusIn } from './keep-focus-in.ts'

interface SidebarProps {
  conversationId: string | null
  /** On a narrow page it covers the chat. */
  drawer: 'none' | 'open' | 'closed'
  onSelect: (conversationId: string | null) => void
  onClose: () => void
}

export function Sidebar({ conversationId, drawer, onSelect, onClose }: SidebarProps) {
  const box = useRef<HTMLDivElement>(null)
  const isOpen = drawer === 'open'

  useEffect(() => {
    if (!isOpen) return
    const opener = document.activeElement
    const drawer = box.current
    drawer?.querySelector('button')?.focus()
    return () => {
      // The covered elements can have the focus again.
      requestAnimationFrame(() => {
        const { activeElement } = document
        const isLeft = activeElement === document.body || drawer?.contains(activeElement) === true
        if (isLeft && opener instanceof HTMLElement) opener.focus()
      })
    }
  }, [isOpen])

  return (
    <>
      <div
        ref={box}
        className="sidebar"
        id="sidebar"
        data-drawer={drawer}
        aria-label="Sidebar"
        role={isOpen ? 'dialog' : 'complementary'}
        aria-modal={isOpen ? true : undefined}
        onKeyDown={(event) => {
          if (!isOpen || event.defaultPrevented) return
          if (event.key === 'Escape') onClose()
          else keepFocusIn(event)
        }}
      >
        <div className="sidebar-header">
          <span className="brand">trpc-agent-runtime</span>
          {drawer !== 'none' && <IconButton icon="close" label="Close the list" onClick={onClose} />}
        </div>
        <button type="button" className="new-button" onClick={() => onSelect(null)}>
          <Icon name="plus" />
          New conversation
        </button>
        <ConversationList conversationId={conversationId} onSelect={onSelect} />
        <Account />
      </div>
      <div className="backdrop" data-drawer={drawer} onClick={onClose} />
    </>
  )
}
