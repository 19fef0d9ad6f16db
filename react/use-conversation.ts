import { useCallback, useMemo } from 'react'
import type { ConversationSnapshot } from '../client/conversation-store.ts'
import { withLive } from '../client/live-messages.ts'
import type { LiveMessage } from '../client/live-messages.ts'
import { runInTurn } from '../client/run-in-turn.ts'
import { toAgentError } from '../client/to-agent-error.ts'
import type { AgentRuntimeError } from '../server/contract/agent-runtime-error.ts'
import type { AgentShape } from '../server/contract/agent-shape.ts'
import type { ConversationDetail } from '../server/contract/conversation.ts'
import type { ToolHandlers } from '../server/contract/wait-types.ts'
import { useTellErrors } from './callbacks.ts'
import type { ConversationInput } from './queries/filters.ts'
import type { WithTools } from './use-agent-run.ts'
import type { ConversationCallbacks } from './use-conversation-callbacks.ts'
import { useConversationCallbacks } from './use-conversation-callbacks.ts'
import { useHistory } from './use-history.ts'
import type { MessageTree } from './use-message-tree.ts'
import { useMessageTree } from './use-message-tree.ts'
import type { Queries } from './use-queries.ts'
import type { TurnQueue } from './use-queue.ts'
import { openRunsOf, useQueue } from './use-queue.ts'
import { useRunTools } from './use-run-tools.ts'
import { useSnapshot } from './use-snapshot.ts'
import type { ViewOptions } from './view-options.ts'
import { isOtherwise, useSelected } from './view-options.ts'

export interface ConversationOptions extends Omit<ConversationInput, 'conversationId'> {
  /** Shows what is asked and answered as it comes, by whomever. Default: true. */
  live?: boolean
}

export interface ConversationView extends MessageTree, TurnQueue {
  /** Undefined until it was read, and while there is none. */
  readonly conversation: ConversationDetail | undefined
  /**
   * Stored messages and live ones, oldest first. A live message is `pending`: `sending` until the server has this client's message,
   * `streaming` until an answer is complete.
   */
  readonly messages: readonly LiveMessage[]
  /**
   * The run whose turn it is: one that is being answered, or waits for somebody, or is the next to begin. Null where none is under way.
   * `useAgentRun(activeRunId)` shows it, whoever has asked, also after the page was loaded anew.
   */
  readonly activeRunId: string | null
  /** There are older messages than `limit` lets through. */
  readonly hasMore: boolean
  readonly isLoading: boolean
  /** The connection was lost and is being opened again. */
  readonly isRecovering: boolean
  readonly error: AgentRuntimeError | null
  /** Asks the run whose turn it is to stop: what it has said stays. Nothing where none is under way. @throws AgentRuntimeError */
  stop(): Promise<void>
  /** Reads it anew. Never rejects: see `error`. */
  refetch(): Promise<void>
}

type ConversationHookOptions<TShape extends AgentShape, TSelected> = ConversationOptions &
  ConversationCallbacks<TShape> &
  WithTools<ToolHandlers<TShape>> &
  ViewOptions<ConversationView, TSelected>

export type UseConversation<TShape extends AgentShape = AgentShape> = <TSelected = ConversationView>(
  conversationId: string | null | undefined,
  options?: ConversationHookOptions<TShape, TSelected>,
) => TSelected

/** A conversation as it goes on: its history, read again whenever a run begins or ends, with what is said meanwhile. */
export function createUseConversation(useQueries: () => Queries): UseConversation {
  return function useConversation<TSelected>(
    conversationId: string | null | undefined,
    options: ConversationHookOptions<AgentShape, TSelected> = {},
  ): TSelected {
    const { live = true, limit, includeFailedRuns, includeDebug = false, select, throttleMs } = options
    const queries = useQueries()
    const { client } = queries
    const store = useMemo(
      () => (conversationId && live ? client.conversations.store(conversationId, { includeDebug }) : null),
      [client, conversationId, live, includeDebug],
    )
    const snapshot = useSnapshot(store, nothing, {
      throttleMs,
      isNews: (before, after) =>
        // What has the history, or the queue, be read again.
        before.change !== after.change ||
        before.error !== after.error ||
        openRunsOf(before) !== openRunsOf(after) ||
        isOtherwise(
          select,
          () => viewOf(before),
          () => viewOf(after),
        ),
    })
    const { query, readIn, conversation } = useHistory(queries, {
      ...(limit === undefined ? {} : { limit }),
      ...(includeFailedRuns === undefined ? {} : { includeFailedRuns }),
      ...(includeDebug ? { includeDebug } : {}),
      ...{ conversationId, store, snapshot },
    })
    const messagesOf = useCallback(
      (one: ConversationSnapshot) =>
        withLive(conversation?.messages ?? [], { ...one, runs: [...one.runs.values()], readIn }),
      [conversation, readIn],
    )
    const messages = useMemo(() => messagesOf(snapshot), [messagesOf, snapshot])
    const error = useMemo(
      () => (query.error === null ? snapshot.error : toAgentError(query.error)),
      [query.error, snapshot.error],
    )
    const shown = useCallback(() => messagesOf(store?.getSnapshot() ?? IDLE), [messagesOf, store])
    const tree = useMessageTree(queries, conversationId, shown)
    const isFollowed = store !== null && conversation !== undefined
    const turns = useQueue(queries, conversationId, { ...snapshot, isFollowed })
    const stop = async () => {
      const runId = runInTurn((store?.getSnapshot() ?? IDLE).runs, turns.queue)
      if (runId !== null) await turns.dropTurn(runId).catch(unlessOver)
    }
    const refetch = async () => void (await query.refetch())
    const viewOf = (one: ConversationSnapshot): ConversationView => ({
      ...tree,
      ...turns,
      conversation,
      messages: one === snapshot ? messages : messagesOf(one),
      activeRunId: runInTurn(one.runs, turns.queue),
      hasMore: conversation?.hasMore ?? false,
      isLoading: query.isLoading,
      isRecovering: one.isRecovering,
      error,
      stop,
      refetch,
    })
    const view = viewOf(snapshot)
    useConversationCallbacks(store, options)
    useTellErrors(error, options.onError)
    useRunTools(client, view.activeRunId, options)
    return useSelected(view, select)
  }
}

/** A run that has ended by itself need not be stopped. */
function unlessOver(error: unknown): void {
  if (toAgentError(error).code !== 'conflict') throw error
}

const IDLE: ConversationSnapshot = {
  runs: new Map(),
  sending: [],
  change: 0,
  error: null,
  isRecovering: false,
}
const nothing = () => IDLE
