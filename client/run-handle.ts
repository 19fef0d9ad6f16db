import type { AgentShape } from '../server/contract/agent-shape.ts'
import type { EventOf, OutputOf } from '../server/contract/agent-types.ts'
import type { ToolHandlers, ValueOf, WaitNameOf } from '../server/contract/wait-types.ts'
import type { AnyRunEvent } from '../server/contract/event.ts'
import type { Json } from '../server/contract/json.ts'
import type { CreateRunAnswer } from '../server/contract/create-run.ts'
import type { RespondInput, Run, RunDetail } from '../server/contract/run.ts'
import type { SendRequest, SentMessage } from '../server/contract/sent-message.ts'
import { lastAssistantMessage } from '../server/contract/last-assistant-message.ts'
import { textOf } from '../server/contract/text-of.ts'
import type { AskOptions } from './ask.ts'
import type { FollowOptions } from './follow-run.ts'
import { eitherAborts, throwIfAborted } from './older-runtimes.ts'
import type { RunEnding } from './run-ending.ts'
import { endingOfEvent, endingOfRun } from './run-ending.ts'
import { initialRunState, reduceRun } from './run-state.ts'
import { RunFailedError } from './run-failed-error.ts'
import type { AnyToolHandlers, RunToolsOptions } from './run-tools.ts'
import type { Streams } from './streams.ts'

/** A run, wherever it executes. */
export interface RunHandle<TShape extends AgentShape = AgentShape> {
  readonly id: string
  readonly agentKey: TShape['key']
  /** The run as it was when this handle was made; `get()` reads it anew. */
  readonly run: Run
  /**
   * With policy `steer`, a run that is under way may get the messages, and no new run is created. Then these are the ids of the
   * messages, as in the run's `user.message` events. Empty for a new run.
   */
  readonly sentMessageIds: readonly string[]
  /**
   * Its events in order, each once, from the first or after `from` (a `seq`), until the run is over.
   * Lost connections are resumed. Leaving the loop closes the connection and does not stop the run;
   * `cancel()` does.
   *
   * @throws AgentRuntimeError when another try can't help (`not_found`, `unauthorized`, …).
   */
  events(options?: FollowOptions): AsyncIterable<EventOf<TShape>>
  /**
   * The output, once the run has succeeded.
   *
   * @throws RunFailedError when it failed, timed out or was cancelled.
   * @throws AgentRuntimeError when another try can't help.
   */
  result(options?: { signal?: AbortSignal }): Promise<OutputOf<TShape>>
  /**
   * Resolves with the agent's last message once the run has succeeded. Empty if the agent said nothing.
   *
   * @throws RunFailedError when it failed, timed out or was cancelled.
   * @throws AgentRuntimeError when another try can't help.
   * @example
   * const run = await client.runs.create({ agentKey: 'chat', messages: [{ role: 'user', content: 'Hi' }] })
   * console.log(await run.text())
   */
  text(options?: { signal?: AbortSignal }): Promise<string>
  /**
   * Stops following the run, which goes on. Loops over `events` end, and pending calls of `result` and `text` reject with an
   * `AbortError`. The handle can be used again afterwards.
   */
  detach(): void
  /**
   * Asks the run to stop; it ends as `cancelled` soon after.
   *
   * @throws AgentRuntimeError `conflict` when it is over already.
   */
  cancel(options?: { signal?: AbortSignal }): Promise<Run>
  /**
   * Answers a wait of the run. If several pending waits have one name, pass the `occurrence` from `waits`. Default: the only pending
   * one.
   *
   * @throws AgentRuntimeError `conflict` when it was answered, its time is up, or several are pending and no `occurrence` is given;
   * `validation_failed` when the answer does not fit; `not_found` when there is no such wait.
   */
  respond<const TName extends WaitNameOf<TShape>>(
    wait: TName,
    value: ValueOf<TShape, TName>,
    options?: { occurrence?: number; signal?: AbortSignal },
  ): Promise<Run>
  /**
   * Sends a message to the run while it is under way. The agent reads it before it asks its model again, and `user.message` tells
   * when. If the agent does not read it any more, the conversation's next run gets it.
   *
   * @throws AgentRuntimeError `conflict` when the run is over or in no conversation; `rate_limited` when too many messages are unread.
   * @example
   * await run.send('In Celsius, please.')
   */
  send(
    message: SendRequest['message'],
    options?: { signal?: AbortSignal; idempotencyKey?: string },
  ): Promise<SentMessage>
  /**
   * Runs the agent's client tools until the run is over. When a function throws, the model is told its message. When several pages
   * answer one call, the first answer counts.
   *
   * @throws AgentRuntimeError when the run can't be followed or answered.
   * @example
   * await run.runTools({ pick_color: async ({ shades }) => ({ color: await askForColor(shades) }) })
   */
  runTools(tools: ToolHandlers<TShape>, options?: RunToolsOptions): Promise<void>
  /** Reads the run with its messages. */
  get(options?: { signal?: AbortSignal }): Promise<RunDetail>
}

/** A union over agents, narrowed by `agentKey`. */
export type AnyRunHandle<TShape extends AgentShape> = TShape extends AgentShape ? RunHandle<TShape> : never

export interface RunHandleDependencies extends Pick<Streams, 'followRun' | 'runTools'> {
  getRun(runId: string, options?: AskOptions): Promise<RunDetail>
  cancelRun(runId: string, options?: AskOptions): Promise<Run>
  respond(answer: RespondInput, options?: AskOptions): Promise<Run>
  send(message: SendRequest, options?: AskOptions): Promise<SentMessage>
}

export function createRunHandle<TShape extends AgentShape>(
  dependencies: RunHandleDependencies,
  run: CreateRunAnswer,
): RunHandle<TShape> {
  let ending: RunEnding | null = endingOfRun(run)

  let attached = new AbortController()

  async function* events({ signal: given, ...options }: FollowOptions = {}): AsyncGenerator<
    AnyRunEvent,
    void,
    void
  > {
    const detached = attached.signal
    const signal = given === undefined ? detached : eitherAborts(given, detached)
    try {
      for await (const heard of dependencies.followRun(run.id, { ...options, signal })) {
        if (heard.type === 'ended') ending = endingOfRun(heard.run)
        if (heard.type !== 'event') continue
        ending = endingOfEvent(heard.event) ?? ending
        yield heard.event
      }
    } catch (error) {
      if (!detached.aborted || given?.aborted === true) throw error
    }
  }

  async function result({ signal }: { signal?: AbortSignal } = {}): Promise<Json> {
    const detached = attached.signal
    if (ending === null) {
      for await (const _ of events({ from: run.lastSeq, ...(signal === undefined ? {} : { signal }) }));
    }
    if (ending === null) throwIfAborted(detached)
    if (ending === null) throw new TypeError(`Run ${run.id} ended without an ending.`)
    if (ending.status !== 'succeeded') throw new RunFailedError(run.id, ending.status, ending.error)
    return ending.output
  }

  return {
    id: run.id,
    agentKey: run.agentKey,
    run,
    sentMessageIds: run.sentMessageIds ?? [],
    // The one place where an event's type is taken on trust: the server checked the payload against its schema.
    events: (options) => events(options) as AsyncIterable<AnyRunEvent> as AsyncIterable<EventOf<TShape>>,
    result,
    async text({ signal: given } = {}) {
      const detached = attached.signal
      const signal = given === undefined ? detached : eitherAborts(given, detached)
      await result({ signal })
      const { messages, inputCount } = await dependencies.getRun(run.id, { signal })
      throwIfAborted(signal)
      const answered = textOf(lastAssistantMessage(messages.slice(inputCount)))
      if (answered !== '') return answered
      // Text that was only emitted is not among the messages that the run answered with.
      let state = initialRunState()
      // This does not use `events`, because its loop ends without an error when the handle is detached.
      for await (const heard of dependencies.followRun(run.id, { signal })) {
        if (heard.type === 'event') state = reduceRun(state, heard.event)
      }
      return state.text
    },
    detach() {
      attached.abort()
      attached = new AbortController()
    },
    cancel: (options) => dependencies.cancelRun(run.id, options),
    respond: (wait: string, value: unknown, { signal, ...options } = {}) =>
      dependencies.respond({ runId: run.id, wait, value: value as Json, ...options }, { signal }),
    send: (message, { signal, ...options } = {}) =>
      dependencies.send({ runId: run.id, message, ...options }, { signal }),
    runTools: (tools, options) => dependencies.runTools(run.id, tools as AnyToolHandlers, options),
    get: (options) => dependencies.getRun(run.id, options),
  }
}
