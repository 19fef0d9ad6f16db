import type { ButtonHTMLAttributes, Ref } from 'react'
import { Icon } from './icon.tsx'
import type { IconName } from './icon.tsx'

interface IconButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'children'> {
  icon: IconName
  label: string
  ref?: Ref<HTMLButtonElement>
}

export function IconButton({ icon, label, className = 'icon-button', ...button }: IconButtonProps) {
  return (
    <button type="button" className={className} aria-label={label} title={label} {...button}>
      <Icon name={icon} />
    </button>
  )
}
