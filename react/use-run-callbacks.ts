import { useEffect, useRef } from 'react'
import type { RunSnapshot, RunStore } from '../client/run-store.ts'
import type { AgentShape } from '../server/contract/agent-shape.ts'
import type { EventOf } from '../server/contract/agent-types.ts'
import { isTerminal } from '../server/contract/terminal.ts'
import type { HookError } from './callbacks.ts'
import { callLater, useNewest } from './callbacks.ts'

/** Functions that a page has called about a run. The newest version of each function is called. */
export interface RunCallbacks<TShape extends AgentShape> {
  /** Called for each event of the run, once and in order, from the first on. Earlier events of an existing run are included. */
  onEvent?: ((event: EventOf<TShape>) => void) | undefined
  /** Called once when the run is over, whether it succeeded or not. A run that was over before it was shown counts too. */
  onFinish?: ((run: RunSnapshot<TShape>) => void) | undefined
  /** Called for each error that `error` shows. Also for each client tool that fails (`tool_failed`) or whose answer is refused. */
  onError?: ((error: HookError) => void) | undefined
}

/** Calls the callbacks for a store's news of a run, whether or not the component renders. */
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
      // The output is read after the last event.
      if (current.isOver || store.isFollowing || !isTerminal(snapshot.status)) return
      current.isOver = true
      callLater(onFinish, snapshot)
    }
    look()
    return store.subscribe(look)
  }, [store, isWanted, newest])
}
