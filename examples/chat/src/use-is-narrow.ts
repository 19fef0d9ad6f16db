import { useSyncExternalStore } from 'react'

// As in styles.css.
const narrow = matchMedia('(max-width: 720px)')

function subscribe(listener: () => void): () => void {
  narrow.addEventListener('change', listener)
  return () => narrow.removeEventListener('change', listener)
}

/** Whether the list of conversations has no room beside the chat. */
export function useIsNarrow(): boolean {
  return useSyncExternalStore(subscribe, () => narrow.matches)
}
