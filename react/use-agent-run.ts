import { useCallback } from 'react'
import type { AgentClient } from '../client/agent-client.ts'
import type { AnyRunHandle } from '../client/run-handle.ts'
import type { EventSelection } from '../client/transport.ts'
import type { AgentShape, KeyOf, ShapeOf } from '../server/contract/agent-shape.ts'
import type { CreateRun } from '../server/contract/agent-types.ts'
import type { ToolHandlers, ToolHandlersByKey } from '../server/contract/wait-types.ts'
import { useRunTools } from './use-run-tools.ts'
import { useTellErrors } from './callbacks.ts'
import type { RunCallbacks } from './use-run-callbacks.ts'
import type { RunView } from './use-run-view.ts'
import { useRunView } from './use-run-view.ts'
import type { StartOptions } from './use-start.ts'
import { useStart } from './use-start.ts'
import type { ViewOptions } from './view-options.ts'
import { useSelected } from './view-options.ts'

export interface AgentRunOptions<TKey extends string> extends EventSelection {
  agentKey: TKey
  /**
   * The conversation in which runs are started, and whose run is shown. Null while there is none yet.
   * Default: runs have no conversation, and the run that was started last is shown.
   */
  conversationId?: string | null
  /** A run of this agent to show until another is started, for example after a reload of the page. */
  runId?: string | null
}

type DistributiveOmit<T, TKey extends PropertyKey> = T extends unknown ? Omit<T, TKey> : never

/** The input for a new run, without the agent. */
export type StartInput<TShape extends AgentShape> = DistributiveOmit<CreateRun<TShape>, 'agentKey'>

type StartArguments<TShape extends AgentShape> =
  object extends StartInput<TShape>
    ? [input?: StartInput<TShape>, options?: StartOptions]
    : [input: StartInput<TShape>, options?: StartOptions]

export interface AgentRun<TShape extends AgentShape> extends RunView<TShape> {
  /**
   * Creates a run and shows it from then on. Never rejects: null means that it was refused, and `error`
   * says why, or that `signal` aborted, which is no error. If the agent requires no params, the input may be left out.
   *
   * @example
   * await start({ messages: [{ role: 'user', content: 'What is this?' }] }, { files: [...input.files] })
   */
  start(...input: StartArguments<TShape>): Promise<AnyRunHandle<TShape> | null>
  readonly isStarting: boolean
}

/** The client tools that the page runs for the agent of the shown run. */
export interface WithTools<TTools> {
  /**
   * The agent's client tools, by name. A page runs each call once. When a function throws, the model is told its message. When several
   * pages answer one call, the first answer counts.
   *
   * @example
   * useAgentRun({ agentKey: 'shop', tools: { pick_color: async () => ({ color: await askForColor() }) } })
   */
  tools?: TTools
}

export interface UseAgentRun<TShape extends AgentShape> {
  /** Starts runs of one agent and shows the newest. */
  <const TKey extends KeyOf<TShape>, TSelected = AgentRun<ShapeOf<TShape, TKey>>>(
    options: AgentRunOptions<TKey> &
      WithTools<ToolHandlersByKey<TShape>[TKey]> &
      RunCallbacks<ShapeOf<TShape, TKey>> &
      ViewOptions<AgentRun<ShapeOf<TShape, TKey>>, TSelected>,
  ): TSelected
  /** Shows an existing run of any agent. */
  <TSelected = RunView<TShape>>(
    runId: string | null,
    options?: EventSelection &
      WithTools<ToolHandlers<TShape>> &
      RunCallbacks<TShape> &
      ViewOptions<RunView<TShape>, TSelected>,
  ): TSelected
}

type RunOptions<TSelected> = WithTools<ToolHandlers<AgentShape>> &
  RunCallbacks<AgentShape> &
  ViewOptions<AgentRun<AgentShape>, TSelected>

export function createUseAgentRun(
  useAgentClient: () => AgentClient,
  useRefresh: () => () => Promise<void>,
): UseAgentRun<AgentShape> {
  return function useAgentRun<TSelected>(
    target: (AgentRunOptions<string> & RunOptions<TSelected>) | string | null,
    // `select` sees only the fields that its type declares, if a run is only shown.
    selection: EventSelection & RunOptions<TSelected> = {},
  ): TSelected {
    const options: Partial<AgentRunOptions<string>> & RunOptions<TSelected> =
      typeof target === 'string' || target === null ? { runId: target, ...selection } : target
    const { agentKey, conversationId, runId = null, select } = options
    const client = useAgentClient()
    const refresh = useRefresh()
    const { started, refusal, isStarting, start: create } = useStart(client, refresh)
    const isHere = (run: { agentKey: string; conversationId?: string | null | undefined }) =>
      run.agentKey === agentKey &&
      (conversationId === undefined || (run.conversationId ?? null) === conversationId)
    const shownRunId = started !== null && isHere(started) ? started.id : runId
    const refused = refusal !== null && isHere(refusal.input) ? refusal.error : null
    useRunTools(client, shownRunId, options)
    const start = useCallback(
      (input: StartInput<AgentShape> = {}, startOptions?: StartOptions) => {
        if (agentKey === undefined)
          throw new TypeError('useAgentRun(runId) shows a run; it has no agent to start.')
        const isPlaced = input.conversation !== undefined || input.ephemeral === true
        const place = conversationId && !isPlaced ? { conversationId } : {}
        return create({ ...place, ...input, agentKey }, startOptions)
      },
      [create, agentKey, conversationId],
    )
    const withStart = (view: RunView<AgentShape>): AgentRun<AgentShape> => ({
      ...view,
      error: refused ?? view.error,
      start,
      isStarting,
    })
    const view = useRunView(client, {
      ...options,
      runId: shownRunId,
      refresh,
      select: select && ((one) => select(withStart(one))),
    })
    useTellErrors(refused, options.onError)
    return useSelected(withStart(view), select)
  }
}
