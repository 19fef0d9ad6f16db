/** Puts the cursor where one writes, but not on a touch screen: its keyboard would open over the history. */
export function focusToType(input: HTMLTextAreaElement | null): void {
  if (matchMedia('(hover: hover)').matches) input?.focus()
}
