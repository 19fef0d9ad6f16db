import { v7 as uuidv7 } from 'uuid'
import { parsePrincipal } from '../contract/principal.ts'
import type { Principal } from '../contract/principal.ts'
import type { AnyAgent } from '../agent/define-agent.ts'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import type { Json } from '../contract/json.ts'
import type { Page } from '../contract/page.ts'
import { decodeCursor } from '../contract/page.ts'
import { invalid, parseInput } from '../contract/parse-input.ts'
import { CreateRunInput, ListRunsInput, RespondInput, RunId, SCHEDULE_KEY_PREFIX } from '../contract/run.ts'
import type { CreateRunRequest, ListRunsRequest, RespondRequest, Run, RunDetail } from '../contract/run.ts'
import { ApprovalAnswer } from '../contract/wait.ts'
import type { CreatedRun, NewRun } from '../ports/create-run.ts'
import type { EventBus } from '../ports/event-bus.ts'
import type { Logger } from '../ports/logger.ts'
import { ownerOf } from '../ports/owner.ts'
import type { ConversationStore } from '../ports/store/conversation-store.ts'
import type { RunStore } from '../ports/store/run-store.ts'
import type { WaitStore } from '../ports/store/wait-store.ts'
import { assertStorable } from '../contract/storable-json.ts'
import { checkAnswer } from './check-answer.ts'
import { createCommitRun } from './commit-runs.ts'
import { fingerprintOf } from './fingerprint.ts'
import { giveTurn } from './give-turn.ts'
import type { CheckLimits } from './limits.ts'
import { logEnded } from './log-ended.ts'
import { noSuchRun } from './run-events.ts'
import type { RunEvents } from './run-events.ts'
import { cancelHintsOf, hintsOf } from './hints.ts'
import { unknownAgent } from './unknown-agent.ts'

type CreatedWithPlace = Extract<CreatedRun, { kind: 'created' }>

export interface RunPorts {
  store: RunStore & WaitStore & Pick<ConversationStore, 'giveTurns'>
  bus: Pick<EventBus, 'publish'>
  log: Logger
}

export interface RunSettings {
  agents: ReadonlyMap<string, AnyAgent>
  maxAttempts: number
  /** Of one conversation, for their turn. */
  maxWaitingRuns: number
  runTimeoutMs: number
  checkLimits: CheckLimits
}

/**
 * The use cases of runs. Every one parses who asks and what for, whether that came over a transport or from code on
 * the server, and treats what that one may not see as not there.
 */
export interface Runs extends RunEvents {
  /** `occurrence` is the key of a schedule's run, which nobody else can use. */
  create(
    principal: Principal,
    input: CreateRunRequest,
    options?: { occurrence: string },
  ): Promise<{ run: Run; created: boolean }>
  get(principal: Principal, runId: string): Promise<RunDetail>
  list(principal: Principal, input: ListRunsRequest): Promise<Page<Run>>
  cancel(principal: Principal, runId: string): Promise<Run>
  /** Answers what a run waits for; of two answers at once one is taken. */
  respond(principal: Principal, answer: RespondRequest): Promise<Run>
}

export function createRuns(ports: RunPorts, settings: RunSettings, events: RunEvents): Runs {
  const { store, bus } = ports

  const commitRun = createCommitRun(ports)

  async function get(principal: Principal, runId: string): Promise<RunDetail> {
    const owner = parsePrincipal(principal)
    return (await store.getRun(owner, parseInput(RunId, runId))) ?? noSuchRun(runId)
  }

  /** What was answered is the run's alone; whether something was allowed is asked for afterwards. */
  function logAnswer(who: object, approval: Json | undefined): void {
    const decided = ApprovalAnswer.safeParse(approval)
    if (!decided.success) return ports.log.info(who, 'a wait was answered')
    ports.log.info({ ...who, approved: decided.data.approved }, 'an approval was decided')
  }

  function logInterrupted({ run, interrupted }: CreatedWithPlace, by: object): void {
    for (const { id: runId } of interrupted) {
      ports.log.info({ runId, by, interruptedBy: run.id }, 'a run was cancelled')
    }
    logEnded(interrupted, ports.log)
  }

  return {
    ...events,

    async create(caller, request, options) {
      const principal = parsePrincipal(caller)
      const input = parseInput(CreateRunInput, request)
      const agent = settings.agents.get(input.agentKey)
      if (agent === undefined) throw unknownAgent(input.agentKey, settings.agents)
      const characters = assertStorable(input)
      const asked = {
        agentKey: agent.key,
        conversationId: input.conversationId ?? null,
        messages: input.messages,
        params: await checkParams(agent, input.params),
      }
      const defaults = {
        maxAttempts: agent.maxAttempts ?? settings.maxAttempts,
        timeoutMs: agent.timeoutMs ?? settings.runTimeoutMs,
      }
      // What a schedule says its agent's author said.
      if (options?.occurrence === undefined) await settings.checkLimits(principal, input, defaults)
      const newRun = {
        id: uuidv7(),
        principal,
        ...asked,
        metadata: input.metadata,
        maxAttempts: input.maxAttempts ?? defaults.maxAttempts,
        timeoutMs: input.timeoutMs ?? defaults.timeoutMs,
        ...keyOf(asked, options?.occurrence, input.idempotencyKey),
        priority: input.priority,
        runAt: input.runAt ?? null,
        expiresAt: input.expiresAt ?? null,
        conversationPolicy: input.conversationPolicy ?? agent.conversationPolicy ?? 'queue',
        maxWaiting: settings.maxWaitingRuns,
      }
      const answer = await commitRun(newRun, characters)
      switch (answer.kind) {
        case 'no-conversation':
          throw new AgentRuntimeError('not_found', `There is no conversation ${input.conversationId}.`)
        case 'busy':
          throw new AgentRuntimeError('conflict', 'Another run of this conversation is under way.', {
            details: { runId: answer.runId },
          })
        case 'full':
          ports.log.info(
            { by: ownerOf(principal), conversationId: input.conversationId },
            'refused a run: too many wait',
          )
          throw new AgentRuntimeError(
            'rate_limited',
            `${answer.waiting} runs wait for their turn in this conversation: try again when some of them are over.`,
            { details: { waiting: answer.waiting } },
          )
        case 'key-taken':
          throw new AgentRuntimeError(
            'conflict',
            'The idempotency key was used for another agent, conversation, messages or params.',
            { details: { runId: answer.runId } },
          )
        case 'existing':
          return { run: answer.run, created: false }
        case 'created':
          logInterrupted(answer, ownerOf(principal))
          bus.publish(cancelHintsOf(answer.interrupted))
          return { run: answer.run, created: true }
      }
    },

    get,

    async list(principal, request) {
      const owner = parsePrincipal(principal)
      const { cursor, ...filter } = parseInput(ListRunsInput, request)
      assertStorable(filter)
      return store.listRuns(owner, filter, cursor === undefined ? null : decodeCursor(cursor))
    },

    async cancel(principal, runId) {
      const owner = parsePrincipal(principal)
      const outcome = await store.requestCancel(owner, parseInput(RunId, runId))
      if (outcome.kind === 'requested' || outcome.kind === 'cancelled') {
        ports.log.info({ runId, by: ownerOf(owner) }, 'a run was cancelled')
      }
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
          logEnded([outcome.run], ports.log)
          bus.publish(hintsOf([outcome.run]))
          await giveTurn(ports, outcome.run.conversationId)
          return outcome.run
      }
    },

    async respond(principal, answer) {
      const owner = parsePrincipal(principal)
      const { runId, wait, value } = parseInput(RespondInput, answer)
      assertStorable(value)
      const waits = (await store.readWaits(owner, runId)) ?? noSuchRun(runId)
      const pending = waits.find(({ name, kind }) => name === wait && kind !== 'sleep')
      if (pending !== undefined) checkAnswer(pending, value)
      const outcome = await store.respond(owner, { runId, wait, value })
      switch (outcome.kind) {
        case 'not-found':
          return noSuchRun(runId)
        case 'not-waiting':
          throw new AgentRuntimeError('not_found', `The run does not wait for "${wait}".`, {
            details: { waits: waits.map(({ name }) => name) },
          })
        case 'already-settled':
          throw new AgentRuntimeError(
            'conflict',
            `The wait for "${wait}" is over: it was answered, or its time is up.`,
          )
        case 'accepted':
          logAnswer({ by: ownerOf(owner), runId, wait }, pending?.kind === 'approval' ? value : undefined)
          bus.publish(hintsOf([outcome.run]))
          return outcome.run
      }
    },
  }
}

async function checkParams(agent: AnyAgent, params: Json | undefined): Promise<Json | null> {
  const parsed = await agent.params?.safeParseAsync(params ?? {})
  if (parsed === undefined) return params ?? null
  if (!parsed.success) {
    const sentence = `The params do not match what agent "${agent.key}" takes.`
    throw invalid(sentence, parsed.error.issues, ['params'])
  }
  // Stored as given: defaults are the agent's, at the time it runs.
  return params ?? {}
}

function keyOf(
  asked: Parameters<typeof fingerprintOf>[0],
  occurrence: string | undefined,
  key: string | undefined,
): Pick<NewRun, 'idempotencyKey' | 'fingerprint'> {
  // An occurrence has one run, also where versions of its agent differ in what they ask for.
  if (occurrence !== undefined) {
    return { idempotencyKey: `${SCHEDULE_KEY_PREFIX}${occurrence}`, fingerprint: null }
  }
  if (key === undefined) return { idempotencyKey: null, fingerprint: null }
  return { idempotencyKey: key, fingerprint: fingerprintOf(asked) }
}

function describe(run: Run): string {
  return run.status === 'timed_out' ? 'timed out' : run.status === 'cancelled' ? 'was cancelled' : run.status
}
