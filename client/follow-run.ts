// Follows one run to its end, over as many connections as that takes.
import { AgentRuntimeError } from '../server/contract/agent-runtime-error.ts'
import type { AnyRunEvent } from '../server/contract/event.ts'
import type { RunDetail } from '../server/contract/run.ts'
import { isTerminal, isTerminalEvent } from '../server/contract/terminal.ts'
import type { ClientClock } from './clock.ts'
import { connect } from './connection.ts'
import { Link } from './link.ts'
import type { ReconnectPolicy } from './reconnect-policy.ts'
import { lacksOutput } from './run-ending.ts'
import { toAgentError } from './to-agent-error.ts'
import type { EventSelection, RunTransport } from './transport.ts'
import { throwIfAborted } from './older-runtimes.ts'

export type FollowSignal =
  | { type: 'connected' }
  | { type: 'event'; event: AnyRunEvent }
  | { type: 'disconnected'; error: AgentRuntimeError }
  /** The run is over, and no event this viewer may see told all of it. */
  | { type: 'ended'; run: RunDetail }

export interface FollowDependencies {
  transport: RunTransport
  clock: ClientClock
  policy: ReconnectPolicy
  /** A random number from 0 up to, not including, 1. */
  random: () => number
}

export interface FollowOptions extends EventSelection {
  /** `seq` of the last event already seen. Default: 0, all events. */
  from?: number
  signal?: AbortSignal
}

/**
 * Every event after `from`, once and in order, until the run is over. Lost connections are opened
 * again from the last event seen.
 *
 * @throws AgentRuntimeError when another try can't help (not found, unauthorized, …); the signal's
 * reason when it aborts.
 */
export async function* followRun(
  dependencies: FollowDependencies,
  runId: string,
  { from = 0, signal, ...selection }: FollowOptions = {},
): AsyncGenerator<FollowSignal, void, void> {
  let last = from
  const link = new Link(dependencies)
  const { transport } = dependencies

  for (;;) {
    let failure: AgentRuntimeError | undefined
    link.begin()
    for await (const heard of connect(transport, { ...selection, runId, lastEventId: last }, signal)) {
      if (heard.type === 'opened') {
        link.opened()
        yield { type: 'connected' }
      } else if (heard.type === 'event') {
        // Not `!== last + 1`: events this viewer may not see leave gaps.
        if (heard.event.seq <= last) continue
        // Told only together with the output: nobody should see a success that lacks it.
        const run = lacksOutput(heard.event) ? await ending(transport, runId, signal) : undefined
        if (run instanceof AgentRuntimeError) {
          failure = run
          break
        }
        last = heard.event.seq
        link.progressed()
        yield heard
        if (run !== undefined) yield { type: 'ended', run }
        if (isTerminalEvent(heard.event.type)) return
      } else if (heard.type === 'completed') {
        const run = await ending(transport, runId, signal)
        if (!(run instanceof AgentRuntimeError)) return yield { type: 'ended', run }
        failure = run
      } else if (heard.type === 'failed') {
        failure = heard.error
      }
    }
    throwIfAborted(signal)
    if (failure === undefined) link.overflowed()
    else {
      if (!link.lost(failure)) throw failure
      yield { type: 'disconnected', error: failure }
      await link.due(signal)
    }
  }
}

/** A stream also completes when a server shuts down politely: only the run itself tells whether it is over. */
async function ending(
  transport: RunTransport,
  runId: string,
  signal: AbortSignal | undefined,
): Promise<RunDetail | AgentRuntimeError> {
  try {
    const run = await transport.getRun(runId, signal)
    if (isTerminal(run.status)) return run
    return new AgentRuntimeError('unavailable', 'The stream ended before the run did.')
  } catch (error) {
    return toAgentError(error)
  }
}
