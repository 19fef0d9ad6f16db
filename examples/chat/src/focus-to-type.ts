/**
 * Moves the cursor to the field for the message, but not on a touch screen: its keyboard would cover the
 * history.
 */
export function focusToType(input: HTMLTextAreaElement | null): void {
  if (matchMedia('(hover: hover)').matches) input?.focus()
}
