import { useEffect, useState } from 'react'
import { IconButton } from './icon-button.tsx'

const SHOWN_MS = 2_000

export function CopyButton({ label, text }: { label: string; text: string }) {
  const [outcome, setOutcome] = useState<'Copied' | "Can't copy" | null>(null)

  useEffect(() => {
    if (outcome === null) return
    const timer = setTimeout(() => setOutcome(null), SHOWN_MS)
    return () => clearTimeout(timer)
  }, [outcome])

  async function copy() {
    try {
      await navigator.clipboard.writeText(text)
      setOutcome('Copied')
    } catch {
      // Without HTTPS there is no clipboard, and a person may refuse access to it.
      setOutcome("Can't copy")
    }
  }

  return (
    <IconButton
      className="small-button"
      icon={outcome === null ? 'copy' : outcome === 'Copied' ? 'check' : 'close'}
      label={outcome ?? label}
      onClick={() => void copy()}
    />
  )
}
