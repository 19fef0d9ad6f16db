interface TopbarProps {
  title: string
  isSidebarOpen: boolean
  onOpenSidebar: () => void
  showsDetails: boolean
  onToggleDetails: () => void
}

export function Topbar({ title, isSidebarOpen, onOpenSidebar, showsDetails, onToggleDetails }: TopbarProps) {
  return (
    <header className="topbar">
      <button
        type="button"
        className="icon-button only-narrow"
        aria-label="Conversations"
        aria-controls="sidebar"
        aria-expanded={isSidebarOpen}
        onClick={onOpenSidebar}
      >
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <path d="M2.5 4.5h11M2.5 8h11M2.5 11.5h11" />
        </svg>
      </button>
      <h1>{title}</h1>
      <label className="switch">
        <input type="checkbox" role="switch" checked={showsDetails} onChange={onToggleDetails} />
        <span>Show steps</span>
      </label>
    </header>
  )
}
