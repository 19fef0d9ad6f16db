import { useEffect } from 'react'
import type { ConversationStore } from '../client/conversation-store.ts'
import type { AgentShape } from '../server/contract/agent-shape.ts'
import type { ConversationEventOf } from '../server/contract/agent-types.ts'
import type { TerminalStatus } from '../server/contract/terminal.ts'
import { isTerminalEvent } from '../server/contract/terminal.ts'
import type { HookError } from './callbacks.ts'
import { callLater, useNewest } from './callbacks.ts'

/** Functions that a page has called about a conversation. The newest version of each function is called. */
export interface ConversationCallbacks<TShape extends AgentShape> {
  /** Called for each event of its runs that comes while the component is mounted, once and in order, whoever started the run. */
  onEvent?: ((event: ConversationEventOf<TShape>) => void) | undefined
  /** Called when one of its runs ends, with success or not, while the component is mounted. */
  onFinish?: ((run: { runId: string; status: TerminalStatus }) => void) | undefined
  /** Called for each error that `error` shows. Also for each client tool that fails (`tool_failed`) or whose answer is refused. */
  onError?: ((error: HookError) => void) | undefined
}

/** Calls the callbacks for a store's news, whether or not the component renders. */
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
