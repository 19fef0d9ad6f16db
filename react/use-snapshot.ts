import { useCallback, useEffect, useRef, useSyncExternalStore } from 'react'
import { atIntervals } from '../client/at-intervals.ts'
import { systemClock } from '../client/clock.ts'

interface Store<TSnapshot> {
  subscribe(listener: () => void): () => void
  getSnapshot(): TSnapshot
  getInitialSnapshot?(): TSnapshot
}

interface SnapshotOptions<TSnapshot> {
  /** The least number of milliseconds between two renders. Default: the component renders for each notification. */
  throttleMs: number | undefined
  /** Whether the component must render again, because the store's state differs from the shown one. */
  isNews(before: TSnapshot, after: TSnapshot): boolean
}

/** A store's state, or `none` without a store. A component that renders for another reason gets the newest state too. */
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
    // The store's last notification was compared with the former render, so compare its state again.
    if (store !== null && store.getSnapshot() !== snapshot) lookAgain.current()
  })
  return snapshot
}
