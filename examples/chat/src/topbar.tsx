import { IconButton } from './icon-button.tsx'
import { useIsDemoModel } from './use-is-demo-model.ts'

interface TopbarProps {
  title: string
  isSidebarOpen: boolean
  onOpenSidebar: () => void
}

export function Topbar({ title, isSidebarOpen, onOpenSidebar }: TopbarProps) {
  const isDemo = useIsDemoModel()
  return (
    <header className="topbar">
      <IconButton
        className="icon-button only-narrow"
        icon="menu"
        label="Conversations"
        aria-controls="sidebar"
        aria-expanded={isSidebarOpen}
        onClick={onOpenSidebar}
      />
      <h1>{title}</h1>
      {isDemo && (
        <span
          className="badge"
          title="Rules answer, no language model. Set a provider's key to use a real one."
        >
          Demo model
        </span>
      )}
    </header>
  )
}
