import { useCallback, useRef } from 'react'

/** A button gives way to a form, and has the focus again, once, when it comes back: `[attach, comeBack]`. */
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
