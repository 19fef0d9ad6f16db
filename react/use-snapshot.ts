import { useCallback, useEffect, useRef, useSyncExternalStore } from 'react'
import { atIntervals } from '../client/at-intervals.ts'
import { systemClock } from '../client/clock.ts'

interface Store<TSnapshot> {
  subscribe(listener: () => void): () => void
  getSnapshot(): TSnapshot
  getInitialSnapshot?(): TSnapshot
}

interface SnapshotOptions<TSnapshot> {
  /** Milliseconds, at least, between two renders. Default: as often as the store tells. */
  throttleMs: number | undefined
  /** Whether the component is to render again for what the store has in place of what it shows. */
  isNews(before: TSnapshot, after: TSnapshot): boolean
}

/** What a store has; `none` where there is none. A component that renders for another reason is shown the newest, too. */
export function useSnapshot<TSnapshot>(
  store: Store<TSnapshot> | null,
  none: () => TSnapshot,
  { throttleMs = 0, isNews }: SnapshotOptions<TSnapshot>,
): TSnapshot {
  const rendered = useRef<{ isNews: typeof isNews; snapshot: TSnapshot } | null>(null)
  const lookAgain = useRef<() => void>(() => {})

  const subscribe = useCallback(
    (listener: () => void) => {
      if (store === null) return () => {}
      let isOver = false
      const look = () => {
        const { current } = rendered
        if (!isOver && (current === null || current.isNews(current.snapshot, store.getSnapshot()))) listener()
      }
      const told = throttleMs > 0 ? atIntervals({ clock: systemClock, intervalMs: throttleMs }, look) : look
      lookAgain.current = told
      const unsubscribe = store.subscribe(told)
      return () => {
        isOver = true
        unsubscribe()
      }
    },
    [store, throttleMs],
  )
  const snapshot = useSyncExternalStore(
    subscribe,
    store?.getSnapshot ?? none,
    store === null ? none : (store.getInitialSnapshot ?? none),
  )
  useEffect(() => {
    rendered.current = { isNews, snapshot }
    // What the store told since this was rendered was no news by what was rendered before.
    if (store !== null && store.getSnapshot() !== snapshot) lookAgain.current()
  })
  return snapshot
}
