import { z } from 'zod'
import { ChildRunError } from '../agent/child-run.ts'
import type { ChildResult, ChildRuns, StartAgentOptions } from '../agent/child-run.ts'
import type { AnyAgent } from '../agent/agent.ts'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import { parseInput } from '../contract/parse-input.ts'
import { textOf } from '../contract/text-of.ts'
import { CHILD_PREFIX } from '../contract/wait-names.ts'
import type { LetIn } from '../domain/let-in.ts'
import { childStartedPayload } from '../lifecycle/payloads.ts'
import type { ClaimedRun, NewWait } from '../ports/attempt.ts'
import type { ChildOutcome, NewChild } from '../ports/family.ts'
import type { FamilyStore } from '../ports/store/family-store.ts'
import type { Tracer } from '../ports/tracer.ts'
import type { Spending } from './budget.ts'
import { createHandOff } from './hand-off.ts'
import type { HandOffPorts } from './hand-off.ts'
import { RunInterruption } from './interruption.ts'
import type { ReadKnownWaits } from './known-waits.ts'
import { createNewChild } from './new-child.ts'
import type { ChildSettings } from './new-child.ts'
import { assertChildName, createOccurrences, keyOf } from './occurrences.ts'
import type { Occurrence } from './occurrences.ts'
import { createPlacesBelow } from './places-below.ts'
import type { Suspension } from './suspension.ts'

export interface ChildPorts extends Omit<HandOffPorts, 'store' | 'children'> {
  store: Pick<FamilyStore, 'startChild' | 'takePlacesBelow'> & HandOffPorts['store']
  tracer: Tracer
  letIn: LetIn
  children: ChildSettings
}

interface ParentAttempt {
  run: ClaimedRun
  signal: AbortSignal
  suspension: Suspension
  spending: Pick<Spending, 'assertLeft' | 'left'>
  emit(type: string, payload: unknown, options: { once: true }): Promise<void>
  /** The waits that are over, and those for children that are not, by their keys. */
  readSettled: ReadKnownWaits
}

type Options = StartAgentOptions<AnyAgent>

interface Call {
  agent: AnyAgent
  options: Options
  call: Occurrence
}

/** `ctx.runAgent` and `ctx.startAgent` of one attempt. */
export function createChildren(ports: ChildPorts, attempt: ParentAttempt): ChildRuns {
  const { run, signal, suspension, emit } = attempt
  const next = createOccurrences()
  const create = createNewChild(ports, attempt)
  const takePlace = createPlacesBelow(ports.store, attempt, ports.children.maxBelow)

  async function createBelow(asked: Call): Promise<NewChild> {
    const child = await create(asked, false)
    await takePlace()
    return child
  }

  async function createDetached(asked: Call): Promise<NewChild> {
    const child = await create(asked, true)
    // The run that its end leads to is below this one too.
    await Promise.all(asked.options.onEnd === undefined ? [takePlace()] : [takePlace(), takePlace()])
    return child
  }

  function callOf(agent: AnyAgent, options: Options): Call {
    signal.throwIfAborted()
    const { name = agent.key } = options
    assertChildName(name)
    return { agent, options, call: next(`${CHILD_PREFIX}${name}`) }
  }

  async function ended(agent: AnyAgent, outcome: ChildOutcome): Promise<ChildResult<AnyAgent>> {
    const { runId, status, output, error, usage } = outcome
    await emit(
      'child.ended',
      { childRunId: runId, agentKey: agent.key, status, error, usage },
      { once: true },
    )
    if (status !== 'succeeded') throw new ChildRunError({ runId, agentKey: agent.key, status, error })
    return { runId, output, text: textOf(outcome.said ?? undefined), usage: usageOf(usage) }
  }

  async function finish({ agent, call }: Call, child?: NewChild): Promise<ChildResult<AnyAgent>> {
    const known = (await attempt.readSettled()).get(keyOf(call))
    if (known?.status === 'answered') return ended(agent, known.value as unknown as ChildOutcome)
    const details = { agentKey: agent.key, ...(child !== undefined && { runId: child.id }) }
    const wait: NewWait = { ...call, kind: 'child', details, schema: null, timeoutMs: null }
    return suspension.add(child === undefined ? wait : { ...wait, child })
  }

  async function createUnlessKnown(asked: Call): Promise<NewChild | undefined> {
    const known = (await attempt.readSettled()).get(keyOf(asked.call))
    return known === undefined ? createBelow(asked) : undefined
  }

  async function start(asked: Call): Promise<string> {
    const known = (await attempt.readSettled()).get(keyOf(asked.call))?.childId
    const runId = known ?? (await startAnew(asked))
    const told = childStartedPayload({ id: runId, agentKey: asked.agent.key, isDetached: true })
    await emit('child.started', told, { once: true })
    return runId
  }

  async function startAnew(asked: Call): Promise<string> {
    const child = await createDetached(asked)
    const call = { ...asked.call, onEnd: asked.options.onEnd }
    const outcome = await ports.store.startChild(run, call, child)
    if (outcome === 'fenced') throw new RunInterruption('lost')
    void ports.letIn(run.principal)
    return outcome.runId
  }

  return {
    runAgent: (async (agent: AnyAgent, options: Options = {}) => {
      const asked = callOf(agent, options)
      return finish(asked, await suspension.prepare(() => createUnlessKnown(asked)))
    }) as ChildRuns['runAgent'],

    handOff: createHandOff(ports, { run, signal, prepare: (asked) => create(asked, true) }),

    startAgent: (async (agent: AnyAgent, options: Options = {}) => {
      const asked = callOf(agent, options)
      assertTellable(options, run)
      const runId = await suspension.prepare(() => start(asked))
      return { runId, result: () => finish(asked) }
    }) as ChildRuns['startAgent'],
  }
}

const Telling = z.object({ onEnd: z.literal('continue').optional() })

function assertTellable({ onEnd }: Options, { conversationId }: ClaimedRun): void {
  parseInput(Telling, { onEnd })
  if (onEnd === undefined || conversationId !== null) return
  throw new AgentRuntimeError(
    'conflict',
    'A run in no conversation has no next one, which could be told of an end: leave out "onEnd".',
  )
}

function usageOf(usage: ChildOutcome['usage']): ChildResult<AnyAgent>['usage'] {
  if (usage === null || usage.inputTokens + usage.outputTokens === 0) return null
  const { toolCalls: _toolCalls, ...rest } = usage
  return rest
}
