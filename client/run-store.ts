// A run's state outside of any view. The run is followed while a view shows it, and its state is kept afterwards.
import type { AgentShape } from '../server/contract/agent-shape.ts'
import type { EventOf, OutputOf } from '../server/contract/agent-types.ts'
import type { PendingWaitOf } from '../server/contract/wait-types.ts'
import type { Usage } from '../server/contract/budget.ts'
import type { RunError, RunStatus } from '../server/contract/run.ts'
import { isTerminal } from '../server/contract/terminal.ts'
import { atIntervals } from './at-intervals.ts'
import type { ChildRun } from './child-runs.ts'
import type { ClientClock } from './clock.ts'
import { createListeners } from './listeners.ts'
import type { FollowSignal } from './follow-run.ts'
import type { RunMessage, ToolInput } from './run-messages.ts'
import type { RunState } from './run-state.ts'
import { initialRunState, reduceRun, reduceRunRecord } from './run-state.ts'
import { toRunError } from './to-agent-error.ts'

/** What a view shows of a run. It is the same object until something changes. */
export interface RunSnapshot<TShape extends AgentShape = AgentShape> {
  readonly runId: string
  /** `not_found`: there is no such run for this viewer, or it was deleted. */
  readonly status: RunStatus | 'not_found'
  /** The newest message, as far as it has arrived. */
  readonly text: string
  /** Its messages, oldest first, without what failed attempts leave behind. */
  readonly messages: readonly RunMessage<TShape>[]
  /** The tool calls that are being written, if the agent tells them and debug events are read. */
  readonly toolInputs: readonly ToolInput[]
  /** All events seen, of all attempts. */
  readonly events: readonly EventOf<TShape>[]
  /** What the run waits for, while it waits. */
  readonly waits: readonly PendingWaitOf<TShape>[]
  /** Its children, and the runs further below that wait for an answer. Answer each with its own `runId`. */
  readonly children: readonly ChildRun[]
  /** Null until the run has succeeded. */
  readonly output: OutputOf<TShape> | null
  /** Why the run failed, or why it can't be followed. */
  readonly error: RunError | null
  /** The newest attempt heard of; 0 before the first. */
  readonly attempt: number
  /** The usage of its models so far, over all attempts. Null until an event tells it, which needs debug events. */
  readonly usage: Usage | null
  /** `seq` of the newest event seen. */
  readonly lastSeq: number
  /** The run is not over, and following it has not failed. */
  readonly isActive: boolean
  /** The connection was lost and is being opened again. */
  readonly isRecovering: boolean
}

export interface RunStore<TShape extends AgentShape = AgentShape> {
  readonly runId: string
  getSnapshot(): RunSnapshot<TShape>
  /** The state before any event. A server renders it, and so does a browser before it connects. */
  getInitialSnapshot(): RunSnapshot<TShape>
  /** Follows the run from the first listener on until a moment after the last has left. */
  subscribe(listener: () => void): () => void
  readonly hasListeners: boolean
  /** Whether more will be heard of the run. If the run is over, its output may not be read yet. */
  readonly isFollowing: boolean
  /** Follows the run once more if it could not be followed, or was only asked for, and somebody listens. */
  followFailed(): void
  /** Ends its stream, even if somebody listens. */
  close(): void
}

export interface RunStoreDependencies {
  clock: ClientClock
  follow(options: { from: number; signal: AbortSignal }): AsyncIterable<FollowSignal>
  /** Milliseconds between notifications, so that all events of a frame cause one. Default: 16. */
  notifyIntervalMs?: number
  /** Milliseconds without listeners before the connection is closed. A remount within that time keeps it. Default: 1,000. */
  detachDelayMs?: number
}

// oxlint-disable-next-line max-lines-per-function -- All closures share one state and change it.
export function createRunStore<TShape extends AgentShape>(
  runId: string,
  { clock, follow, notifyIntervalMs = 16, detachDelayMs = 1_000 }: RunStoreDependencies,
): RunStore<TShape> {
  const listeners = createListeners({ clock, detachDelayMs, attach: () => void attach(), detach })
  let state = initialRunState()
  let failure: RunError | null = null
  let isRecovering = false
  let isConnected = false
  const initial = snapshotOf<TShape>(runId, state, { failure, isRecovering })
  let snapshot = initial
  let following: AbortController | undefined

  const notify = atIntervals({ clock, intervalMs: notifyIntervalMs }, () => {
    snapshot = snapshotOf(runId, state, { failure, isRecovering })
    listeners.tell()
  })

  function take(heard: FollowSignal) {
    isConnected = heard.type !== 'disconnected'
    switch (heard.type) {
      case 'event':
        state = reduceRun(state, heard.event)
        return
      case 'ended':
        state = reduceRunRecord(state, heard.run)
        return
      case 'connected':
        isRecovering = false
        return
      case 'disconnected':
        isRecovering = true
    }
  }

  async function attach() {
    if (following !== undefined || isTerminal(state.status)) return
    const controller = new AbortController()
    following = controller
    isConnected = false
    if (failure !== null) {
      failure = null
      notify()
    }
    try {
      for await (const heard of follow({ from: state.lastSeq, signal: controller.signal })) {
        if (controller.signal.aborted) break
        take(heard)
        notify()
      }
    } catch (error) {
      // Leaving is no failure, and a follower that left must not report for the next one.
      if (!controller.signal.aborted) failure = toRunError(error)
    }
    if (following !== controller) return
    following = undefined
    isRecovering = false
    notify()
  }

  function detach() {
    const left = following
    following = undefined
    left?.abort()
    isRecovering = false
    snapshot = snapshotOf(runId, state, { failure, isRecovering })
  }

  return {
    runId,
    getSnapshot: () => snapshot,
    getInitialSnapshot: () => initial,
    get hasListeners() {
      return listeners.size > 0
    },
    get isFollowing() {
      return following !== undefined
    },
    subscribe: listeners.add,
    followFailed: () => {
      if (listeners.size === 0 || (failure === null && isConnected)) return
      // The request under way may still be refused.
      following?.abort()
      following = undefined
      void attach()
    },
    close: detach,
  }
}

function snapshotOf<TShape extends AgentShape>(
  runId: string,
  state: RunState,
  { failure, isRecovering }: { failure: RunError | null; isRecovering: boolean },
): RunSnapshot<TShape> {
  return {
    runId,
    status: failure?.code === 'not_found' ? 'not_found' : state.status,
    text: state.text,
    messages: state.messages as readonly unknown[] as readonly RunMessage<TShape>[],
    toolInputs: state.toolInputs,
    events: state.events.toArray() as readonly EventOf<TShape>[],
    waits: state.waits as readonly PendingWaitOf<TShape>[],
    children: state.children,
    output: state.output,
    error: state.error ?? failure,
    attempt: state.attempt,
    usage: state.usage,
    lastSeq: state.lastSeq,
    isActive: !isTerminal(state.status) && failure === null,
    isRecovering,
  }
}
