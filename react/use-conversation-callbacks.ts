import { useEffect } from 'react'
import type { ConversationStore } from '../client/conversation-store.ts'
import type { AgentShape } from '../server/contract/agent-shape.ts'
import type { ConversationEventOf } from '../server/contract/agent-types.ts'
import type { TerminalStatus } from '../server/contract/terminal.ts'
import { isTerminalEvent } from '../server/contract/terminal.ts'
import type { HookError } from './callbacks.ts'
import { callLater, useNewest } from './callbacks.ts'

/** What a page does about a conversation, beside showing it. The newest of each function is called. */
export interface ConversationCallbacks<TShape extends AgentShape> {
  /** For each event of its runs that comes while the page is there, once and in order, whoever has asked. */
  onEvent?: ((event: ConversationEventOf<TShape>) => void) | undefined
  /** When one of its runs ends, well or not, while the page is there. */
  onFinish?: ((run: { runId: string; status: TerminalStatus }) => void) | undefined
  /** For whatever `error` shows, and for each client tool that fails (`tool_failed`) or whose answer the server refuses. */
  onError?: ((error: HookError) => void) | undefined
}

/** Tells what a store hears, whether or not the component renders for it. */
export function useConversationCallbacks(
  store: ConversationStore | null,
  callbacks: ConversationCallbacks<AgentShape>,
): void {
  const newest = useNewest(callbacks)
  useEffect(
    () =>
      store?.listen((event) => {
        const { onEvent, onFinish } = newest.current
        // An event's type is taken on trust: the server checked the payload against its schema.
        callLater(onEvent, event as ConversationEventOf<AgentShape>)
        if (!isTerminalEvent(event.type)) return
        callLater(onFinish, {
          runId: event.runId,
          status: event.type.slice('run.'.length) as TerminalStatus,
        })
      }),
    [store, newest],
  )
}
