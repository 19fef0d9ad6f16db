import type { ChildRuns, RunAgentOptions } from '../agent/child-run.ts'
import type { AnyAgent } from '../agent/define-agent.ts'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import type { JsonObject } from '../contract/json.ts'
import { HANDOFF_KEY_PREFIX } from '../contract/run.ts'
import { refusalOf } from '../domain/refused-run.ts'
import type { ClaimedRun } from '../ports/attempt.ts'
import type { NewRun } from '../ports/create-run.ts'
import type { EventBus } from '../ports/event-bus.ts'
import type { NewChild } from '../ports/family.ts'
import type { ConversationStore } from '../ports/store/conversation-store.ts'
import type { RunStore } from '../ports/store/run-store.ts'
import { createOccurrences, keyOf } from './occurrences.ts'

export interface HandOffPorts {
  store: Pick<RunStore, 'createRuns'> & Pick<ConversationStore, 'listTurns' | 'moveTurn'>
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
    const [answer] = await ports.store.createRuns([newRun], { lockPatienceMs: PATIENCE_MS })
    if (answer === undefined) throw new AgentRuntimeError('internal', 'The store has not answered.')
    switch (answer.kind) {
      case 'existing':
        return answer.run.id
      case 'created':
        await moveToFront(answer.run.id)
        ports.bus.publish([{ kind: 'conversation', conversationId: newRun.conversationId ?? '' }])
        return answer.run.id
      case 'session-over':
        // The run is a user's by now, whom another attempt is given.
        throw new AgentRuntimeError('unavailable', 'The run has got another owner.')
      default:
        throw refusalOf(answer, newRun.conversationId ?? undefined)
    }
  }

  /** Before what others have asked meanwhile. Where that begins right now, it is next after that. */
  async function moveToFront(runId: string): Promise<void> {
    const conversationId = run.conversationId ?? ''
    const [first] = await ports.store.listTurns({ ...run.principal, scope: 'own' }, conversationId)
    if (first === undefined || first.runId === runId) return
    await ports.store.moveTurn(run.principal, { conversationId, runId, before: first.runId })
  }

  return (async (agent: AnyAgent, options: RunAgentOptions<AnyAgent> = {}) => {
    signal.throwIfAborted()
    const key = keyOf(next(options.name ?? agent.key))
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
        ...prepared,
        principal: run.principal,
        conversationId: run.conversationId,
        newConversation: null,
        insteadOf: null,
        messages,
        fileIds: [],
        metadata: { ...metadata, handoff },
        preferences: run.preferences,
        idempotencyKey: `${HANDOFF_KEY_PREFIX}${run.id}/${key}`,
        fingerprint: null,
        priority: run.priority,
        runAt: null,
        expiresAt: null,
        conversationPolicy: 'queue',
        maxWaiting: Infinity,
      }),
    }
  }) as ChildRuns['handOff']
}
