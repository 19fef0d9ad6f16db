import { v7 as uuidv7 } from 'uuid'
import { z } from 'zod'
import type { RunAgentOptions } from '../agent/child-run.ts'
import type { AnyAgent } from '../agent/agent.ts'
import { NonRetriableError } from '../agent/non-retriable-error.ts'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import type { JsonObject } from '../contract/json.ts'
import { AgentMessage } from '../contract/message.ts'
import { parseInput } from '../contract/parse-input.ts'
import { CreateRunInput } from '../contract/create-run.ts'
import type { Budget } from '../contract/budget.ts'
import { checkParams } from '../domain/check-params.ts'
import type { ClaimedRun } from '../ports/attempt.ts'
import type { NewChild } from '../ports/family.ts'
import { isLimited } from '../ports/runs-at-once.ts'
import type { RunsAtOnce } from '../ports/runs-at-once.ts'
import { traced } from '../ports/traced.ts'
import type { Tracer } from '../ports/tracer.ts'
import type { Spending } from './budget.ts'
import type { ReadKnownWaits } from './known-waits.ts'
import { storedForm } from './stored-form.ts'

/** What runs that agents start are created with. */
export interface ChildSettings {
  /** All of the runtime, also those that this worker does not execute. */
  agents: ReadonlyMap<string, AnyAgent>
  maxAttempts: number
  timeoutMs: number
  runsAtOnce: RunsAtOnce
  /** How many runs may be above one. */
  maxDepth: number
  /** How many one run may start. */
  maxChildren: number
  /** How many may be below one that nobody started, at whatever depth. */
  maxBelow: number
}

interface Parent {
  run: ClaimedRun
  spending: Pick<Spending, 'assertLeft' | 'left'>
  readSettled: ReadKnownWaits
}

interface Asked {
  agent: AnyAgent
  options: RunAgentOptions<AnyAgent>
}

const { budget, timeoutMs, maxAttempts } = CreateRunInput.shape
const Limits = z.object({ budget, timeoutMs, maxAttempts })

/** What a run is created with that an agent starts. Of one attempt: it counts them. */
export function createNewChild(
  { tracer, children: settings }: { tracer: Tracer; children: ChildSettings },
  { run, spending, readSettled }: Parent,
): (asked: Asked, isDetached: boolean) => Promise<NewChild> {
  let started = 0

  async function reserve(): Promise<void> {
    const { maxDepth, maxChildren } = settings
    if (run.depth >= maxDepth) {
      throw new AgentRuntimeError('conflict', `An agent may not start a run below ${maxDepth} others.`)
    }
    const known = [...(await readSettled()).values()].filter(({ childId }) => childId !== null)
    if (known.length + started >= maxChildren) {
      throw new AgentRuntimeError('conflict', `A run may start ${maxChildren} others, and no more.`)
    }
    started += 1
  }

  return async ({ agent, options }, isDetached) => {
    if (settings.agents.get(agent.key) === undefined) {
      throw new NonRetriableError(
        `The runtime has no agent "${agent.key}": add it to "agents" of createAgentRuntime.`,
      )
    }
    const params = await checkParams(agent, options.params)
    const limits = parseInput(Limits, options)
    spending.assertLeft()
    await reserve()
    const child = {
      id: uuidv7(),
      agentKey: agent.key,
      messages: toMessages(options.messages ?? []),
      params: params === null ? null : storedForm('The params of a run', params),
      metadata: storedForm('The metadata of a run', options.metadata ?? {}) as JsonObject,
      maxAttempts: limits.maxAttempts ?? agent.maxAttempts ?? settings.maxAttempts,
      timeoutMs: limits.timeoutMs ?? agent.timeoutMs ?? settings.timeoutMs,
      budget: leastOf([agent.budget, limits.budget, spending.left()]),
      isDetached,
      isLimited: isLimited(run.principal, settings.runsAtOnce),
      principal: run.principal,
    }
    const traceparent = await traced(
      tracer,
      { kind: 'create', run: { ...child, conversationId: null } },
      (span) => span.traceparent,
    )
    return { ...child, traceparent }
  }
}

function toMessages(messages: string | readonly AgentMessage[]): AgentMessage[] {
  const given = typeof messages === 'string' ? [{ role: 'user' as const, content: messages }] : messages
  const parsed = z.array(AgentMessage).safeParse(storedForm('The messages of a run', given))
  if (!parsed.success) {
    throw new NonRetriableError('What a run is started with is not in the form of messages.', {
      cause: parsed.error,
    })
  }
  // They were said in another run, by whose events they are known.
  return parsed.data.map(({ id: _id, ...message }) => message)
}

/** Of each the least that any of them has. */
function leastOf(budgets: readonly (Budget | null | undefined)[]): Budget | null {
  const least: Budget = {}
  for (const budget of budgets) {
    for (const what of ['tokens', 'toolCalls', 'cost'] as const) {
      const limit = budget?.[what]
      if (limit !== undefined) least[what] = Math.min(limit, least[what] ?? Infinity)
    }
  }
  return Object.keys(least).length === 0 ? null : least
}
