import type { LiveMessage } from '../../../client/index.ts'
import { IconButton } from './icon-button.tsx'

interface SiblingSwitchProps {
  message: LiveMessage
  isDisabled: boolean
  onSelect: (messageId: string) => void
}

/** ‹ 2/3 ›: switches between the versions of a message. */
export function SiblingSwitch({ message, isDisabled, onSelect }: SiblingSwitchProps) {
  const { siblings = [] } = message
  if (siblings.length < 2) return null
  const at = siblings.indexOf(message.id)

  const button = (icon: 'left' | 'right', label: string, target: string | undefined) => (
    <IconButton
      className="small-button"
      icon={icon}
      label={label}
      // Not `disabled`, which would drop the focus of a person who has reached the end.
      aria-disabled={isDisabled || target === undefined}
      onClick={() => {
        if (!isDisabled && target !== undefined) onSelect(target)
      }}
    />
  )
  return (
    <span className="siblings" role="group" aria-label="Versions">
      {button('left', 'Version before', siblings[at - 1])}
      <span>
        {at + 1}/{siblings.length}
      </span>
      {button('right', 'Version after', siblings[at + 1])}
    </span>
  )
}
