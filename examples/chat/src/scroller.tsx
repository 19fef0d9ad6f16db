import type { ReactNode } from 'react'
import { useLayoutEffect, useRef } from 'react'

const NEAR_PX = 80

/** Stays at the end while the content grows, unless the reader scrolled away from it. */
export function Scroller({ children }: { children: ReactNode }) {
  const box = useRef<HTMLDivElement>(null)
  const isAtEnd = useRef(true)

  useLayoutEffect(() => {
    if (box.current !== null && isAtEnd.current) box.current.scrollTop = box.current.scrollHeight
  })

  return (
    <div
      ref={box}
      className="scroller"
      onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
        isAtEnd.current = scrollHeight - scrollTop - clientHeight < NEAR_PX
      }}
    >
      <div className="column">{children}</div>
    </div>
  )
}
