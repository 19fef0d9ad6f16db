import type { AnyAgent } from '../../../../server/agent/agent.ts'
import { defineAgent } from '../../../../server/agent/define-agent.ts'
import { createVisibilityOf } from '../../../../server/events/visibility.ts'
import { createScriptedModel } from '../../../../server/models/scripted.ts'
import type { ClaimedRun } from '../../../../server/ports/attempt.ts'
import { NOTHING_SPENT } from '../../../../server/ports/spent.ts'
import { executeAttempt } from '../../../../server/worker/execute-attempt.ts'
import { noTracer } from '../../../../server/ports/no-tracer.ts'
import { createInbox } from '../../../../server/worker/inbox.ts'
import { RunInterruption } from '../../../../server/worker/interruption.ts'
import { createWriter } from '../events/create-writer.ts'

export const TIMEOUT_MS = 60_000
export const GRACE_MS = 5_000

/** One attempt of an agent over fake ports. */
export function createAttempt(agent: AnyAgent, more: Partial<ClaimedRun> = {}) {
  const { store, writer, clock, log } = createWriter()
  const claimed = store.add('run')
  const controller = new AbortController()
  const run: ClaimedRun = {
    ...claimed,
    agentKey: agent.key,
    agentVersion: null,
    principal: { id: 'owner', tenantId: '', kind: 'user' },
    conversationId: null,
    failures: 0,
    losses: 0,
    maxAttempts: 1,
    budget: null,
    priority: 0,
    params: null,
    metadata: {},
    preferences: {},
    messages: [],
    isHistoryCut: false,
    state: undefined,
    timeoutMs: TIMEOUT_MS,
    cancelRequested: false,
    traceparent: null,
    earlierTraceparent: null,
    earlierAttempt: null,
    parentRunId: null,
    depth: 0,
    hasChildren: false,
    sent: 0,
    waitedMs: 0,
    ...more,
  }
  const ports = {
    writer,
    clock,
    log,
    store: {
      readSteps: async () => [],
      readStepNames: async () => [],
      readTold: async () => [],
      readWholeHistory: async () => [],
      readSpent: async () => NOTHING_SPENT,
      readSettledWaits: async () => [],
      saveStep: async () => ({ sent: 0 }),
      renewLeases: async () => [{ id: 'run', cancelRequested: false, sent: 0 }],
      saveCheckpoint: async () =>
        store.run('run').attempt === run.attempt ? ('written' as const) : ('fenced' as const),
      findFilesOfRun: async () => [],
      hasProgress: async () => false,
      forgetProgress: async () => null,
      readMemoryOfRun: async () => null,
      listMemoriesOfRun: async () => [],
      writeMemory: async () => 'written' as const,
      forgetMemory: async () => 'absent' as const,
      takePlacesBelow: async () => 0,
      startChild: async () => 'fenced' as const,
      handOff: async () => 'fenced' as const,
    },
    letIn: async () => {},
    bus: { publish: () => {} },
    children: {
      agents: new Map(),
      maxAttempts: 1,
      timeoutMs: TIMEOUT_MS,
      runsAtOnce: { principal: null, tenant: null },
      maxDepth: 0,
      maxChildren: 0,
      maxBelow: 0,
    },
    files: { write: async () => {}, read: () => new ReadableStream<Uint8Array>(), remove: async () => {} },
    llm: createScriptedModel([]),
    modelIdleTimeoutMs: 60_000,
    visibilityOf: createVisibilityOf({}),
    cancelGraceMs: GRACE_MS,
    tracer: noTracer,
    leaseTtlMs: 30_000,
    retryPolicy: { delayMs: 1_000, maxDelayMs: 4_000 },
    random: () => 0.5,
  }
  return {
    store,
    clock,
    log,
    controller,
    execute: () =>
      executeAttempt(ports, {
        run,
        agent,
        runLog: writer.open(run),
        inbox: createInbox({ takeSent: async () => [] }, run),
        controller,
      }),
    end: () => store.run('run').events.at(-1),
    status: () => store.run('run').status,
    /** The store has the cancel first, since the worker finds it there. */
    interrupt(kind: RunInterruption['kind']) {
      if (kind === 'cancelled') store.run('run').cancelRequested = true
      controller.abort(new RunInterruption(kind))
    },
  }
}

/** Waits for the signal, as an agent should. */
export const heeding = defineAgent({
  key: 'heeding',
  run: (ctx) =>
    new Promise<void>((_, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason))),
})
