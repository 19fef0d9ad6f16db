import type { KeyboardEvent } from 'react'

const FOCUSABLE = 'a[href], button:not(:disabled), input, textarea, [tabindex="0"]'

/** Keeps Tab within the element that listens. */
export function keepFocusIn(event: KeyboardEvent<HTMLElement>): void {
  if (event.key !== 'Tab') return
  const all = [...event.currentTarget.querySelectorAll<HTMLElement>(FOCUSABLE)].filter(
    // Elements in a dialog above it do not belong to it.
    (element) => element.closest('dialog') === null && element.checkVisibility(),
  )
  const [first] = all
  const last = all.at(-1)
  if (document.activeElement !== (event.shiftKey ? first : last)) return
  event.preventDefault()
  ;(event.shiftKey ? last : first)?.focus()
}
