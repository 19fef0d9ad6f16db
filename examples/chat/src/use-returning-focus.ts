import { useCallback, useRef } from 'react'

/**
 * For a button that a form replaces: when it comes back, it gets the focus again, once. `[attach, comeBack]`.
 */
export function useReturningFocus(): [(button: HTMLButtonElement | null) => void, () => void] {
  const isDue = useRef(false)
  const attach = useCallback((button: HTMLButtonElement | null) => {
    if (button === null || !isDue.current) return
    isDue.current = false
    button.focus()
  }, [])
  const comeBack = useCallback(() => {
    isDue.current = true
  }, [])
  return [attach, comeBack]
}
