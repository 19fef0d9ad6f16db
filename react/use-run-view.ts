import { useCallback, useEffect, useMemo, useState } from 'react'
import type { AgentClient } from '../client/agent-client.ts'
import type { ChildRun } from '../client/child-runs.ts'
import type { RunMessage, ToolInput } from '../client/run-messages.ts'
import type { RunSnapshot } from '../client/run-store.ts'
import { toRunError } from '../client/to-agent-error.ts'
import type { EventSelection } from '../client/transport.ts'
import type { AgentShape } from '../server/contract/agent-shape.ts'
import type { EventOf, OutputOf } from '../server/contract/agent-types.ts'
import type { PendingWaitOf, Respond, ValueOf, WaitNameOf } from '../server/contract/wait-types.ts'
import type { SendRequest } from '../server/contract/sent-message.ts'
import type { Usage } from '../server/contract/budget.ts'
import type { RunError, RunStatus } from '../server/contract/run.ts'
import type { PendingWait } from '../server/contract/wait.ts'
import { isTerminal } from '../server/contract/terminal.ts'
import { unlessOver, useTellErrors } from './callbacks.ts'
import type { RunCallbacks } from './use-run-callbacks.ts'
import { useRunCallbacks } from './use-run-callbacks.ts'
import { useSnapshot } from './use-snapshot.ts'
import type { ViewOptions } from './view-options.ts'
import { isOtherwise } from './view-options.ts'

/** A run as a component shows it, kept current. */
export interface RunView<TShape extends AgentShape> {
  /** Null while there is no run. */
  readonly runId: string | null
  /** `idle`: there is none. `not_found`: there is no such run for this viewer, or it was deleted. */
  readonly status: RunStatus | 'idle' | 'not_found'
  /** The newest message of the assistant, as far as it has arrived. */
  readonly text: string
  /** Its messages, oldest first, without what failed attempts leave behind. */
  readonly messages: readonly RunMessage<TShape>[]
  /** The tool calls that are being written, if the agent tells them and debug events are read. */
  readonly toolInputs: readonly ToolInput[]
  /** All events seen, of all attempts. */
  readonly events: readonly EventOf<TShape>[]
  /** What the run waits for, while it waits: questions and approvals to `respond` to, and sleeps. */
  readonly waits: readonly PendingWaitOf<TShape>[]
  /** Its children, and the runs further below that wait for an answer. Answer each with its own `runId`. */
  readonly children: readonly ChildRun[]
  /** Null until the run has succeeded. */
  readonly output: OutputOf<TShape> | null
  /** Why the run failed, could not be started, cancelled, or followed. */
  readonly error: RunError | null
  /** The newest attempt heard of; 0 before the first. */
  readonly attempt: number
  /** The usage of its models so far, over all attempts. Null until an event tells it, which needs debug events. */
  readonly usage: Usage | null
  /** There is a run, it is not over, and following it has not failed. */
  readonly isActive: boolean
  /** The connection was lost and is being opened again. */
  readonly isRecovering: boolean
  /** The run is over, and the shown conversations were read again since. So they contain its messages. */
  readonly isSettled: boolean
  /** Asks the run to stop. Never rejects: see `error`. A run that was over by then is no error. */
  cancel(): Promise<void>
  /**
   * Answers the wait of the run that is shown. If several have one name, pass `occurrence`. Never rejects: false means that the answer
   * was not taken, and `error` says why.
   */
  respond<const TName extends WaitNameOf<TShape>>(
    wait: TName,
    value: ValueOf<TShape, TName>,
    options?: { occurrence?: number | undefined },
  ): Promise<boolean>
  /**
   * Sends a message to the run while it is under way. Never rejects: false means that the run did not take it, and `error` says why.
   */
  send(message: SendRequest['message']): Promise<boolean>
}

interface RunViewOptions<TShape extends AgentShape>
  extends EventSelection, RunCallbacks<TShape>, ViewOptions<RunView<TShape>, unknown> {
  runId: string | null
  /** Reads the shown conversations again. */
  refresh: () => Promise<void>
}

export function useRunView<TShape extends AgentShape>(
  client: AgentClient<TShape>,
  options: RunViewOptions<TShape>,
): RunView<TShape> {
  const { runId, refresh, includeDebug = false, includeAll = false, select, throttleMs } = options
  const store = useMemo(
    () => (runId === null ? null : client.runs.store(runId, { includeDebug, includeAll })),
    [client, runId, includeDebug, includeAll],
  )
  const snapshot = useSnapshot<RunSnapshot<TShape> | null>(store, nothing, {
    throttleMs,
    isNews: (before, after) =>
      hasEnded(before) !== hasEnded(after) ||
      before?.error !== after?.error ||
      isOtherwise(
        select,
        () => viewOf(before),
        () => viewOf(after),
      ),
  })
  useRunCallbacks(store, options)
  const isSettled = useSettled(store, hasEnded(snapshot), refresh)
  const [refusal, setRefusal] = useState<{ store: typeof store; error: RunError } | null>(null)
  const [answered, setAnswered] = useState<readonly PendingWait[]>(NO_WAITS)
  const openOf = useCallback(
    (all: readonly PendingWaitOf<TShape>[] = []) => all.filter((wait) => !answered.includes(wait)),
    [answered],
  )
  const waits = useMemo(() => openOf(snapshot?.waits), [openOf, snapshot?.waits])
  // A refusal belongs to one store. Another run, or another user of the page, has another store.
  const refused = refusal !== null && refusal.store === store ? refusal.error : null

  const isTaken = async (asked: (runId: string) => Promise<unknown>) => {
    if (runId === null) return false
    setRefusal(null)
    try {
      await asked(runId)
      return true
    } catch (error) {
      setRefusal({ store, error: toRunError(error) })
      return false
    }
  }

  const cancel = async () => void (await isTaken((id) => client.runs.cancel(id).catch(unlessOver)))

  // On the wire a name and an answer have no types. The types are for callers.
  const respond = async (wait: string, value: unknown, options: { occurrence?: number | undefined } = {}) => {
    const [taken, other] = waits.filter(isMeant(wait, options.occurrence))
    // A second click answers the wait that was shown, not the next one with its name.
    const shown = taken !== undefined && other === undefined ? { occurrence: taken.occurrence ?? 1 } : options
    if (
      !(await isTaken((id) => client.runs.respond({ runId: id, wait, value, ...shown } as Respond<TShape>)))
    )
      return false
    // Mark it at once, so that nobody answers it twice. The stream tells of it a moment later.
    if (taken !== undefined) setAnswered((before) => [...before, taken])
    return true
  }

  const send = (message: SendRequest['message']) => isTaken((id) => client.runs.send({ runId: id, message }))

  const viewOf = (one: RunSnapshot<TShape> | null): RunView<TShape> => {
    const { lastSeq: _lastSeq, ...shown } = one ?? IDLE
    return {
      ...shown,
      runId,
      waits: one === snapshot ? waits : openOf(one?.waits),
      error: shown.error ?? refused,
      isSettled: hasEnded(one) && isSettled,
      ...{ cancel, respond, send },
    }
  }
  const view = viewOf(snapshot)
  useTellErrors(view.error, options.onError)
  return view
}

/** What a view shows where there is no run. */
const IDLE = {
  status: 'idle',
  text: '',
  messages: [],
  toolInputs: [],
  events: [],
  children: [],
  output: null,
  error: null,
  attempt: 0,
  usage: null,
  lastSeq: 0,
  isActive: false,
  isRecovering: false,
} as const

/** Whether conversations were read again since the store's run ended. */
function useSettled(store: object | null, isOver: boolean, refresh: () => Promise<void>): boolean {
  const [settled, setSettled] = useState<{ store: object | null } | null>(null)
  useEffect(() => {
    if (!isOver) return
    let isCurrent = true
    void refresh().then(() => isCurrent && setSettled({ store }))
    return () => {
      isCurrent = false
    }
  }, [isOver, refresh, store])
  return settled?.store === store
}

const hasEnded = (snapshot: { status: string } | null) => snapshot !== null && isTerminal(snapshot.status)

const isMeant =
  (wait: string, occurrence?: number) =>
  ({ name, occurrence: which = 1 }: PendingWait) =>
    name === wait && which === (occurrence ?? which)

const NO_WAITS: readonly PendingWait[] = []
const nothing = () => null
