import { v7 as uuidv7 } from 'uuid'
import type { Principal } from '../contract/principal.ts'
import type { AnyAgent } from '../agent/define-agent.ts'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import type { Json } from '../contract/json.ts'
import type { Page } from '../contract/page.ts'
import { decodeCursor } from '../contract/page.ts'
import type { CreateRunInput, ListRunsInput, Run, RunDetail } from '../contract/run.ts'
import { createGroupCommit } from '../group-commit.ts'
import type { EventBus, NewRun, Queue, Store } from '../ports.ts'
import { assertStorable } from '../storable-json.ts'
import { noSuchRun } from './run-events.ts'
import type { RunEvents } from './run-events.ts'

export interface RunPorts {
  store: Store
  queue: Pick<Queue, 'enqueue'>
  bus: Pick<EventBus, 'publish'>
}

export interface RunSettings {
  agents: ReadonlyMap<string, AnyAgent>
  maxAttempts: number
  runTimeoutMs: number
}

/** The use cases of runs. Every one takes who asks, and treats what that one may not see as not there. */
export interface Runs extends RunEvents {
  create(principal: Principal, input: CreateRunInput): Promise<{ run: Run; created: boolean }>
  get(principal: Principal, runId: string): Promise<RunDetail>
  list(principal: Principal, input: ListRunsInput): Promise<Page<Run>>
  cancel(principal: Principal, runId: string): Promise<Run>
}

/** Creates that one transaction takes at most. */
const MAX_CREATE_BATCH = 100

export function createRuns({ store, queue, bus }: RunPorts, settings: RunSettings, events: RunEvents): Runs {
  const commitRun = createGroupCommit({
    maxBatch: MAX_CREATE_BATCH,
    flush: (runs: readonly NewRun[]) => store.createRuns(runs, (created, tx) => queue.enqueue(created, tx)),
  })

  async function get(principal: Principal, runId: string): Promise<RunDetail> {
    return (await store.getRun(principal, runId)) ?? noSuchRun(runId)
  }

  return {
    ...events,

    async create(principal, input) {
      const agent = settings.agents.get(input.agentKey)
      if (agent === undefined) throw unknownAgent(input.agentKey, settings.agents)
      assertStorable(input)
      const answer = await commitRun({
        id: uuidv7(),
        principal,
        agentKey: agent.key,
        conversationId: input.conversationId ?? null,
        messages: input.messages,
        params: checkParams(agent, input.params),
        metadata: input.metadata,
        maxAttempts: input.maxAttempts ?? agent.maxAttempts ?? settings.maxAttempts,
        timeoutMs: input.timeoutMs ?? agent.timeoutMs ?? settings.runTimeoutMs,
        idempotencyKey: input.idempotencyKey ?? null,
      })
      if (answer.kind === 'no-conversation') {
        throw new AgentRuntimeError('not_found', `There is no conversation ${input.conversationId}.`)
      }
      const created = answer.kind === 'created'
      if (created) bus.publish([{ kind: 'queued', agentKey: agent.key }])
      return { run: answer.run, created }
    },

    get,

    async list(principal, { cursor, ...filter }) {
      assertStorable(filter)
      return store.listRuns(principal, filter, cursor === undefined ? null : decodeCursor(cursor))
    },

    async cancel(principal, runId) {
      const outcome = await store.requestCancel(principal, runId)
      switch (outcome.kind) {
        case 'not-found':
          return noSuchRun(runId)
        case 'already-ended':
          throw new AgentRuntimeError('conflict', `The run has already ended: it ${describe(outcome.run)}.`, {
            details: { status: outcome.run.status },
          })
        case 'requested':
          bus.publish([{ kind: 'cancel', runId }])
          return outcome.run
        case 'cancelled':
          bus.publish([{ kind: 'events', runId, seq: outcome.run.lastSeq }])
          return outcome.run
      }
    },
  }
}

function checkParams(agent: AnyAgent, params: Json | undefined): Json | null {
  const parsed = agent.params?.safeParse(params ?? {})
  if (parsed === undefined) return params ?? null
  if (!parsed.success) {
    throw new AgentRuntimeError(
      'validation_failed',
      `The params do not match what agent "${agent.key}" takes.`,
      {
        details: parsed.error.issues.map((issue) => ({
          path: ['params', ...issue.path].join('.'),
          message: issue.message,
        })),
      },
    )
  }
  // Stored as given: defaults are the agent's, at the time it runs.
  return params ?? {}
}

function unknownAgent(agentKey: string, agents: ReadonlyMap<string, AnyAgent>): AgentRuntimeError {
  return new AgentRuntimeError('unknown_agent', `There is no agent "${agentKey.slice(0, 100)}".`, {
    details: { known: [...agents.keys()] },
  })
}

function describe(run: Run): string {
  return run.status === 'timed_out' ? 'timed out' : run.status === 'cancelled' ? 'was cancelled' : run.status
}
