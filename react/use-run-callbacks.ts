import { useEffect, useRef } from 'react'
import type { RunSnapshot, RunStore } from '../client/run-store.ts'
import type { AgentShape } from '../server/contract/agent-shape.ts'
import type { EventOf } from '../server/contract/agent-types.ts'
import { isTerminal } from '../server/contract/terminal.ts'
import type { HookError } from './callbacks.ts'
import { callLater, useNewest } from './callbacks.ts'

/** What a page does about a run, beside showing it. The newest of each function is called. */
export interface RunCallbacks<TShape extends AgentShape> {
  /** For each event of the run, once and in order, from its first on: also for those of before, where the run exists already. */
  onEvent?: ((event: EventOf<TShape>) => void) | undefined
  /** Once the run is over, well or not, with how it ended: also where it was over before it was shown. */
  onFinish?: ((run: RunSnapshot<TShape>) => void) | undefined
  /** For whatever `error` shows, and for each client tool that fails (`tool_failed`) or whose answer the server refuses. */
  onError?: ((error: HookError) => void) | undefined
}

/** Tells what a store hears of a run, whether or not the component renders for it. */
export function useRunCallbacks<TShape extends AgentShape>(
  store: RunStore<TShape> | null,
  callbacks: RunCallbacks<TShape>,
): void {
  const newest = useNewest(callbacks)
  const told = useRef({ store, events: 0, isOver: false })
  const isWanted = callbacks.onEvent !== undefined || callbacks.onFinish !== undefined

  useEffect(() => {
    if (store === null || !isWanted) return
    if (told.current.store !== store) told.current = { store, events: 0, isOver: false }
    const { current } = told
    const look = () => {
      const { onEvent, onFinish } = newest.current
      const snapshot = store.getSnapshot()
      for (const event of snapshot.events.slice(current.events)) callLater(onEvent, event)
      current.events = snapshot.events.length
      // Its output is read after its last event.
      if (current.isOver || store.isFollowing || !isTerminal(snapshot.status)) return
      current.isOver = true
      callLater(onFinish, snapshot)
    }
    look()
    return store.subscribe(look)
  }, [store, isWanted, newest])
}
