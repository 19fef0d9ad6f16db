import type { ChildRuns, RunAgentOptions } from '../agent/child-run.ts'
import type { AnyAgent } from '../agent/agent.ts'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import type { JsonObject } from '../contract/json.ts'
import { HANDOFF_KEY_PREFIX } from '../contract/create-run.ts'
import { refusalOf } from '../domain/refused-run.ts'
import type { ClaimedRun } from '../ports/attempt.ts'
import { NOT_ASKED } from '../ports/create-run.ts'
import type { NewRun } from '../ports/create-run.ts'
import type { EventBus } from '../ports/event-bus.ts'
import type { NewChild } from '../ports/family.ts'
import type { FamilyStore } from '../ports/store/family-store.ts'
import { RunInterruption } from './interruption.ts'
import { assertChildName, createOccurrences, keyOf } from './occurrences.ts'

export interface HandOffPorts {
  store: Pick<FamilyStore, 'handOff'>
  bus: Pick<EventBus, 'publish'>
  /** How many runs may have handed on to one another. */
  children: { maxDepth: number }
}

interface Handing {
  run: ClaimedRun
  signal: AbortSignal
  /** What the next run is created with, beside its place. */
  prepare(asked: { agent: AnyAgent; options: RunAgentOptions<AnyAgent> }): Promise<NewChild>
}

const PATIENCE_MS = 4_000

/**
 * `ctx.handOff` of one attempt. The next run is created at once and waits for its turn, which it has when this one is over. Its key is the call's, so
 * that no attempt creates it twice.
 */
export function createHandOff(ports: HandOffPorts, { run, signal, prepare }: Handing): ChildRuns['handOff'] {
  const next = createOccurrences()

  async function create(newRun: NewRun): Promise<string> {
    const answer = await ports.store.handOff(run, newRun, { lockPatienceMs: PATIENCE_MS })
    if (answer === 'fenced') throw new RunInterruption('lost')
    if (answer === 'cancelled') throw new RunInterruption('cancelled')
    switch (answer.kind) {
      case 'existing':
      case 'steered':
        return answer.run.id
      case 'created':
        ports.bus.publish([{ kind: 'conversation', conversationId: newRun.conversationId ?? '' }])
        return answer.run.id
      default:
        throw refusalOf(answer, newRun.conversationId ?? undefined)
    }
  }

  return (async (agent: AnyAgent, options: RunAgentOptions<AnyAgent> = {}) => {
    signal.throwIfAborted()
    const { name = agent.key } = options
    assertChildName(name)
    const key = keyOf(next(name))
    if (run.conversationId === null) {
      throw new AgentRuntimeError(
        'conflict',
        'A run in no conversation has no next one: nothing can be handed on.',
      )
    }
    const before = Object(run.metadata['handoff']) as { depth?: unknown }
    const depth = (typeof before.depth === 'number' ? before.depth : 0) + 1
    if (depth > ports.children.maxDepth) {
      throw new AgentRuntimeError(
        'conflict',
        `Runs may hand on ${ports.children.maxDepth} times, and no more.`,
      )
    }
    const { isDetached: _detached, messages, metadata, ...prepared } = await prepare({ agent, options })
    const handoff: JsonObject = { runId: run.id, agentKey: run.agentKey, depth }
    return {
      runId: await create({
        ...NOT_ASKED,
        ...prepared,
        principal: run.principal,
        conversationId: run.conversationId,
        messages,
        metadata: { ...metadata, handoff },
        preferences: run.preferences,
        idempotencyKey: `${HANDOFF_KEY_PREFIX}${run.id}/${key}`,
        priority: run.priority,
      }),
    }
  }) as ChildRuns['handOff']
}
