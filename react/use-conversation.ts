import { useCallback, useMemo } from 'react'
import type { ConversationSnapshot } from '../client/conversation-store.ts'
import type { LiveMessage } from '../client/live-messages.ts'
import { runInTurn } from '../client/run-in-turn.ts'
import { AgentRuntimeError } from '../server/contract/agent-runtime-error.ts'
import type { AgentShape } from '../server/contract/agent-shape.ts'
import type { ConversationDetail } from '../server/contract/conversation.ts'
import type { Json } from '../server/contract/json.ts'
import type { PendingWait } from '../server/contract/wait.ts'
import type { PendingWaitOf, ToolHandlers, ValueOf, WaitNameOf } from '../server/contract/wait-types.ts'
import { unlessOver, useTellErrors } from './callbacks.ts'
import type { ConversationInput } from './queries/filters.ts'
import type { WithTools } from './use-agent-run.ts'
import type { ConversationCallbacks } from './use-conversation-callbacks.ts'
import { useConversationCallbacks } from './use-conversation-callbacks.ts'
import type { ConversationName } from './use-conversation-id.ts'
import { useConversationId } from './use-conversation-id.ts'
import { useHistory } from './use-history.ts'
import { IDLE, nothing, useLiveMessages } from './use-live-messages.ts'
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

export interface ConversationView<TShape extends AgentShape = AgentShape>
  extends MessageTree<TShape>, TurnQueue {
  /** Undefined until it was read, and while there is none. */
  readonly conversation: ConversationDetail | undefined
  /**
   * Stored messages and live ones, oldest first. A live message is `pending`: `sending` until the server has this client's message,
   * `streaming` until an answer is complete.
   */
  readonly messages: readonly LiveMessage<TShape>[]
  /**
   * The run whose turn it is: one that is being answered, or waits for somebody, or is the next to begin. Null where none is under way.
   * `useAgentRun(activeRunId)` shows it, whoever has asked, also after the page was loaded anew.
   */
  readonly activeRunId: string | null
  /** What the run of `activeRunId` waits for: questions and approvals to `respond` to, and sleeps. Empty where `live` is false. */
  readonly waits: readonly PendingWaitOf<TShape>[]
  /** There are older messages than `limit` lets through. */
  readonly hasMore: boolean
  readonly isLoading: boolean
  /** The connection was lost and is being opened again. */
  readonly isRecovering: boolean
  readonly error: AgentRuntimeError | null
  /** Asks the run whose turn it is to stop: what it has said stays. Nothing where none is under way. @throws AgentRuntimeError */
  stop(): Promise<void>
  /**
   * Answers one of the `waits` that are shown. Where several have one name, pass `occurrence`. An answer that comes too late never meets a
   * later wait of that name.
   *
   * @throws AgentRuntimeError `conflict` where it was answered or given up by then; `not_found` where nothing is waited for;
   *   `validation_failed` where the answer does not fit
   * @example
   * const [wait] = waits
   * if (wait?.name === 'color') await respond(wait.name, 'red', wait)
   */
  respond<const TName extends WaitNameOf<TShape>>(
    wait: TName,
    value: ValueOf<TShape, TName>,
    options?: { occurrence?: number | undefined },
  ): Promise<void>
  /** Reads it anew. Never rejects: see `error`. */
  refetch(): Promise<void>
}

type ConversationHookOptions<TShape extends AgentShape, TSelected> = ConversationOptions &
  ConversationCallbacks<TShape> &
  WithTools<ToolHandlers<TShape>> &
  ViewOptions<ConversationView<TShape>, TSelected>

export type UseConversation<TShape extends AgentShape = AgentShape> = <TSelected = ConversationView<TShape>>(
  conversation: ConversationName,
  options?: ConversationHookOptions<TShape, TSelected>,
) => TSelected

/** A conversation by its id or `{ externalId }`, as it goes on: its history, read again whenever a run begins or ends, with what is said meanwhile. */
export function createUseConversation(useQueries: () => Queries): UseConversation {
  return function useConversation<TSelected>(
    name: ConversationName,
    options: ConversationHookOptions<AgentShape, TSelected> = {},
  ): TSelected {
    const { live = true, limit, includeFailedRuns, includeDebug = false, select, throttleMs } = options
    const queries = useQueries()
    const { client } = queries
    const { conversationId, externalId, lookup } = useConversationId(queries, name)
    const open = useCallback(
      (id: string | null) => (live ? client.conversations.store(id, { includeDebug }) : null),
      [client, live, includeDebug],
    )
    const store = useMemo(() => (conversationId ? open(conversationId) : null), [open, conversationId])
    const snapshot = useSnapshot(store, nothing, {
      throttleMs,
      isNews: (before, after) =>
        // These are reasons to read the history or the queue again.
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
      ...{ includeDebug, conversationId, store, snapshot },
    })
    const place = { externalId, conversationId, conversation, readIn }
    const { draft, messagesOf } = useLiveMessages(open, place)
    const messages = useMemo(() => messagesOf(snapshot), [messagesOf, snapshot])
    const error = query.error ?? lookup.error ?? snapshot.error
    const shown = useCallback(() => messagesOf(store?.getSnapshot() ?? IDLE), [messagesOf, store])
    const tree = useMessageTree(queries, { conversationId, externalId, shown, draft })
    const isFollowed = store !== null && conversation !== undefined
    const turns = useQueue(queries, conversationId, { ...snapshot, isFollowed })
    const stop = async () => {
      const runId = runInTurn((store?.getSnapshot() ?? IDLE).runs, turns.queue)
      if (runId !== null) await turns.dropTurn(runId).catch(unlessOver)
    }
    const respond = async (wait: string, value: Json, options?: { occurrence?: number | undefined }) => {
      // A component that selects without its waits may have missed the newest.
      const answer = answerAsShown(wait, view) ?? answerAsShown(wait, viewOf(store?.getSnapshot() ?? IDLE))
      if (answer === null) {
        throw new AgentRuntimeError('not_found', 'No run of this conversation waits for that.')
      }
      await client.runs.respond({ ...answer, value, ...options })
    }
    const refetch = async () => void (await (conversationId ? query : lookup).refetch())
    const viewOf = (one: ConversationSnapshot): ConversationView => {
      const activeRunId = runInTurn(one.runs, turns.queue)
      return {
        ...tree,
        ...turns,
        conversation,
        messages: one === snapshot ? messages : messagesOf(one),
        activeRunId,
        waits: one.runs.get(activeRunId ?? '')?.state.waits ?? NO_WAITS,
        hasMore: conversation?.hasMore ?? false,
        isLoading: query.isLoading || lookup.isLoading,
        isRecovering: one.isRecovering,
        error,
        stop,
        respond,
        refetch,
      }
    }
    const view = viewOf(snapshot)
    useConversationCallbacks(store, options)
    useTellErrors(error, options.onError)
    useRunTools(client, view.activeRunId, options)
    return useSelected(view, select)
  }
}

/** Which wait is meant: where one of that name is shown, that one, and none that comes after it. */
function answerAsShown(
  wait: string,
  { activeRunId: runId, waits }: Pick<ConversationView, 'activeRunId' | 'waits'>,
) {
  const [shown, other] = waits.filter(({ name }) => name === wait)
  if (runId === null || shown === undefined) return null
  return { runId, wait, ...(other === undefined ? { occurrence: shown.occurrence ?? 1 } : {}) }
}

const NO_WAITS: readonly PendingWait[] = []
