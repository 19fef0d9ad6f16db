import { v7 as uuidv7 } from 'uuid'
import type { AnyAgent } from '../agent/agent.ts'
import { filesIn } from '../contract/file.ts'
import type { StoredFile } from '../contract/file.ts'
import { parseInput } from '../contract/parse-input.ts'
import { parsePrincipal } from '../contract/principal.ts'
import type { Principal } from '../contract/principal.ts'
import { CreateRunInput } from '../contract/create-run.ts'
import type { CreateRunRequest } from '../contract/create-run.ts'
import type { Run } from '../contract/run.ts'
import { assertStorable } from '../contract/storable-json.ts'
import type { CreatedRun, NewRun } from '../ports/create-run.ts'
import type { EventBus, NewHint } from '../ports/event-bus.ts'
import type { Logger } from '../ports/logger.ts'
import { ownerOf } from '../ports/owner.ts'
import { isLimited } from '../ports/runs-at-once.ts'
import type { RunsAtOnce } from '../ports/runs-at-once.ts'
import type { FileStore } from '../ports/store/file-store.ts'
import { traced } from '../ports/traced.ts'
import type { Tracer } from '../ports/tracer.ts'
import type { RunStore } from '../ports/store/run-store.ts'
import type { Access } from './access.ts'
import type { AcceptWebhooks } from './caller-webhooks.ts'
import { checkParams } from './check-params.ts'
import { createCommitRun } from './commit-runs.ts'
import { withContents } from './fingerprint.ts'
import { cancelHintsOf } from './hints.ts'
import type { CheckLimits } from './limits.ts'
import type { LetIn } from './let-in.ts'
import { logEnded } from './log-ended.ts'
import type { CheckQuota } from './quota.ts'
import { noSuchFile } from './no-such-file.ts'
import { refusalOf } from './refused-run.ts'
import { insteadOf, isEmpty, keyOf, namedBy, placeOf, policyOf, withoutHandoff } from './requested-run.ts'
import type { Occurrence, Place } from './requested-run.ts'
import { unknownAgent } from './unknown-agent.ts'

type CreatedWithPlace = Extract<CreatedRun, { kind: 'created' }>
type Steered = Extract<CreatedRun, { kind: 'steered' }>

export interface CreateRunPorts {
  store: Pick<RunStore, 'createRuns' | 'isKeyUsed'> & Pick<FileStore, 'findFiles'>
  bus: Pick<EventBus, 'publish'>
  letIn: LetIn
  access: Pick<Access, 'assertMay'>
  acceptWebhooks: AcceptWebhooks
  tracer: Tracer
  log: Logger
}

export interface CreateRunSettings {
  agents: ReadonlyMap<string, AnyAgent>
  maxAttempts: number
  /**
   * When a run that names no conversation gets a new one. `asked`: if the request asks for it. `always`: unless the
   * request declines it.
   */
  newConversations: 'always' | 'asked'
  /** How many runs of one conversation may wait for their turn. */
  maxWaitingRuns: number
  runTimeoutMs: number
  runsAtOnce: RunsAtOnce
  checkLimits: CheckLimits
  /** Undefined when there is no quota. */
  checkQuota: CheckQuota | undefined
}

export interface NewlyCreated {
  run: Run
  /**
   * False when `run` is an earlier one with the same idempotency key, or a run under way that was sent the messages.
   */
  created: boolean
  /** How many messages were left out because they repeat the whole conversation so far. */
  alreadySaid: number
  /** Ids of the messages that were sent to `run`, which was under way (policy `steer`). Empty for a new run. */
  sentMessageIds: string[]
}

export type CreateRun = (
  principal: Principal,
  input: CreateRunRequest,
  options?: Occurrence,
) => Promise<NewlyCreated>

// oxlint-disable-next-line max-lines-per-function -- The way of one request, step by step, and each answer of the database to it.
export function createCreateRun(ports: CreateRunPorts, settings: CreateRunSettings): CreateRun {
  const { bus } = ports
  const commitRun = createCommitRun(ports)

  function logInterrupted({ run, interrupted }: CreatedWithPlace, by: object): void {
    for (const { id: runId } of interrupted) {
      ports.log.info({ runId, by, interruptedBy: run.id }, 'a run was cancelled')
    }
    logEnded(interrupted, ports.log)
  }

  function tellSteered({ run, isNew }: Steered, by: object): void {
    if (!isNew) return
    ports.log.info({ runId: run.id, by }, 'a run was sent messages')
    // A `cancel` hint only makes the worker look at the row, where it finds the messages.
    if (run.status === 'running') bus.publish([{ kind: 'cancel', runId: run.id }])
  }

  /** Skips the quota for a used idempotency key, since that creates nothing. */
  async function checkQuota(
    principal: Principal,
    { agentKey, idempotencyKey }: Pick<NewRun, 'agentKey' | 'idempotencyKey'>,
  ): Promise<void> {
    if (settings.checkQuota === undefined) return
    if (idempotencyKey !== null && (await ports.store.isKeyUsed(principal, idempotencyKey))) return
    await settings.checkQuota(principal, agentKey)
  }

  /** A run that may create its conversation needs permission for both. */
  async function assertMayCreate(
    principal: Principal,
    agentKey: string,
    { input, place }: { input: CreateRunInput; place: Place },
  ): Promise<void> {
    const externalId = place.newConversation?.externalId ?? null
    await ports.access.assertMay(principal, 'create', {
      kind: 'run',
      agentKey,
      conversationId: input.conversationId ?? null,
      ...(externalId !== null && { externalId }),
    })
    if (place.newConversation !== null) {
      await ports.access.assertMay(principal, 'create', { kind: 'conversation', agentKey })
    }
  }

  async function findFiles(principal: Principal, fileIds: readonly string[]): Promise<StoredFile[]> {
    if (fileIds.length === 0) return []
    const files = await ports.store.findFiles(principal, fileIds)
    const missing = fileIds.find((id) => !files.some((file) => file.id === id))
    if (missing !== undefined) throw noSuchFile(missing)
    return files
  }

  return async (caller, request, options) => {
    const principal = parsePrincipal(caller)
    const input = parseInput(CreateRunInput, request)
    const agent = settings.agents.get(input.agentKey)
    if (agent === undefined) throw unknownAgent(input.agentKey, settings.agents)
    const characters = assertStorable(input)
    const asked = {
      agentKey: agent.key,
      insteadOf: insteadOf(input),
      messages: input.messages,
      params: await checkParams(agent, input.params),
    }
    const place = placeOf(input, {
      isAlwaysNew: settings.newConversations === 'always' && options === undefined,
    })
    const defaults = {
      maxAttempts: agent.maxAttempts ?? settings.maxAttempts,
      timeoutMs: agent.timeoutMs ?? settings.runTimeoutMs,
      budget: agent.budget,
    }
    // No limit for callers applies to schedules of the agent's author.
    const isOfCaller = options === undefined || options.isCallers === true
    let budget = agent.budget ?? null
    if (isOfCaller) {
      await assertMayCreate(principal, agent.key, { input, place })
      budget = await settings.checkLimits(principal, input, defaults)
    }
    const fileIds = filesIn(input.messages)
    const { webhooks = [] } = input
    const files = await findFiles(principal, fileIds)
    const newRun = {
      id: uuidv7(),
      principal,
      ...asked,
      ...place,
      fileIds,
      metadata: withoutHandoff(input.metadata),
      preferences: isEmpty(input.preferences) ? null : (input.preferences ?? null),
      maxAttempts: input.maxAttempts ?? defaults.maxAttempts,
      timeoutMs: input.timeoutMs ?? defaults.timeoutMs,
      budget,
      ...keyOf(
        { ...asked, messages: withContents(asked.messages, files), conversation: namedBy(input), webhooks },
        options?.occurrence,
        input.idempotencyKey,
      ),
      priority: input.priority,
      runAt: input.runAt ?? null,
      expiresAt: input.expiresAt ?? null,
      conversationPolicy: policyOf(input, agent, options),
      isLimited: isLimited(principal, settings.runsAtOnce),
      maxWaiting: settings.maxWaitingRuns,
    }
    await ports.acceptWebhooks(principal, webhooks, { owner: principal, agentKey: agent.key })
    // Check the quota last, so that a request refused for another reason costs nothing.
    if (isOfCaller) await checkQuota(principal, newRun)
    // The tracer gets no webhooks, since these contain secrets.
    const answer = await traced(ports.tracer, { kind: 'create', run: newRun }, ({ traceparent }) =>
      commitRun({ ...newRun, webhooks, traceparent }, characters),
    )
    switch (answer.kind) {
      case 'existing':
        return { run: answer.run, created: false, alreadySaid: 0, sentMessageIds: [] }
      case 'steered':
        tellSteered(answer, ownerOf(principal))
        return toSteered(answer, asked.messages.length)
      case 'created':
        logInterrupted(answer, ownerOf(principal))
        bus.publish([...cancelHintsOf(answer.interrupted), ...conversationHintOf(answer)])
        // Runs that held the room may have ended while this one was being parked.
        if (answer.isParked || answer.interrupted.length > 0) void ports.letIn(principal)
        return { run: answer.run, created: true, alreadySaid: answer.alreadySaid, sentMessageIds: [] }
      case 'full':
        ports.log.info(
          { by: ownerOf(principal), conversationId: input.conversationId },
          'refused a run: too many wait',
        )
        throw refusalOf(answer, input.conversationId)
      default:
        throw refusalOf(answer, input.conversationId)
    }
  }
}

function toSteered({ run, messageIds }: Steered, asked: number): NewlyCreated {
  return { run, created: false, alreadySaid: asked - messageIds.length, sentMessageIds: messageIds }
}

/**
 * A hint for readers of the conversation. A run that is offered to workers now needs none: the `queued` hint tells
 * readers too.
 */
function conversationHintOf({ run, isParked, waitsForTurn }: CreatedWithPlace): NewHint[] {
  const isOffered = !isParked && !waitsForTurn && run.runAt === null
  return isOffered || run.conversationId === null
    ? []
    : [{ kind: 'conversation', conversationId: run.conversationId }]
}
