import { v7 as uuidv7 } from 'uuid'
import type { AnyAgent } from '../agent/define-agent.ts'
import { filesIn } from '../contract/file.ts'
import type { StoredFile } from '../contract/file.ts'
import type { Json, JsonObject } from '../contract/json.ts'
import { parseInput } from '../contract/parse-input.ts'
import { parsePrincipal } from '../contract/principal.ts'
import type { Principal } from '../contract/principal.ts'
import { CreateRunInput, SCHEDULE_KEY_PREFIX } from '../contract/create-run.ts'
import type {
  ConversationChoice,
  ConversationPolicy,
  CreateRunRequest,
  Preferences,
} from '../contract/create-run.ts'
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
import { fingerprintOf, withContents } from './fingerprint.ts'
import { cancelHintsOf } from './hints.ts'
import type { CheckLimits } from './limits.ts'
import type { LetIn } from './let-in.ts'
import { logEnded } from './log-ended.ts'
import type { CheckQuota } from './quota.ts'
import { noSuchFile } from './no-such-file.ts'
import { refusalOf } from './refused-run.ts'
import { unknownAgent } from './unknown-agent.ts'

/** `handoff` tells an agent who has handed on to it, so no caller says it: not even one who asks a run that has it anew. */
function withoutHandoff({ handoff: _handoff, ...metadata }: JsonObject): JsonObject {
  return metadata
}

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
  /** Which runs that name no conversation get a new one: those that ask for it, or each that does not ask for none. */
  newConversations: 'always' | 'asked'
  /** How many runs of one conversation may wait for their turn. */
  maxWaitingRuns: number
  runTimeoutMs: number
  runsAtOnce: RunsAtOnce
  checkLimits: CheckLimits
  /** Undefined where there is no quota. */
  checkQuota: CheckQuota | undefined
}

export interface NewlyCreated {
  run: Run
  /** False where the idempotency key was used before, and `run` is the one of then, or where `run` was sent the messages. */
  created: boolean
  /** How many of the messages were left out, since they are all that was said in the conversation before. */
  alreadySaid: number
  /** Ids of the messages that `run`, which was under way, was sent in place of making one (policy `steer`); none of a new run. */
  sentMessageIds: string[]
}

/** Of a schedule's run. */
export interface Occurrence {
  /** The run's key, which nobody else can use. */
  occurrence: string
  /** Whether a caller made the schedule, and not the agent's author: then what limits callers holds for it. */
  isCallers?: boolean
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
    // Its worker looks at the row.
    if (run.status === 'running') bus.publish([{ kind: 'cancel', runId: run.id }])
  }

  /** A request with a used idempotency key creates nothing, so it costs no quota. */
  async function checkQuota(
    principal: Principal,
    { agentKey, idempotencyKey }: Pick<NewRun, 'agentKey' | 'idempotencyKey'>,
  ): Promise<void> {
    if (settings.checkQuota === undefined) return
    if (idempotencyKey !== null && (await ports.store.isKeyUsed(principal, idempotencyKey))) return
    await settings.checkQuota(principal, agentKey)
  }

  /** Who may not create conversations gets none by creating a run. */
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
    // What the agent's author has scheduled no limit of a caller applies to.
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
    // Last of all: what is refused costs nothing.
    if (isOfCaller) await checkQuota(principal, newRun)
    // Their secrets are no tracer's concern.
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
        // The runs before it may have ended while it was parked.
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

/** An occurrence of a schedule is a run. */
function policyOf(
  input: CreateRunInput,
  agent: AnyAgent,
  options: Occurrence | undefined,
): ConversationPolicy {
  const policy = input.conversationPolicy ?? agent.conversationPolicy
  if (policy === 'steer' && options !== undefined) return 'queue'
  return policy ?? (insteadOf(input) === null ? 'queue' : 'interrupt')
}

type Place = Pick<NewRun, 'conversationId' | 'newConversation'>

function placeOf(input: CreateRunInput, { isAlwaysNew }: { isAlwaysNew: boolean }): Place {
  const { conversationId = null, conversation, ephemeral } = input
  if (conversationId !== null || ephemeral === true) return { conversationId, newConversation: null }
  const choice: ConversationChoice | undefined = conversation ?? (isAlwaysNew ? 'new' : undefined)
  if (choice === undefined) return { conversationId: null, newConversation: null }
  return {
    conversationId: uuidv7(),
    newConversation: { externalId: choice === 'new' ? null : choice.externalId },
  }
}

/** What the request says of its conversation, and no setting: a key that was used before is used for the same. */
function namedBy({ conversationId, conversation, ephemeral }: CreateRunInput): Json {
  return conversationId ?? conversation ?? (ephemeral === true ? 'none' : null)
}

/** Those who follow its conversation are told of a run that is offered to workers together with them. */
function conversationHintOf({ run, isParked, waitsForTurn }: CreatedWithPlace): NewHint[] {
  const isOffered = !isParked && !waitsForTurn && run.runAt === null
  return isOffered || run.conversationId === null
    ? []
    : [{ kind: 'conversation', conversationId: run.conversationId }]
}

function isEmpty(preferences: Preferences | undefined): boolean {
  return Object.values(preferences ?? {}).every((value) => value === undefined)
}

function insteadOf({
  replaces,
  regenerates,
  supersedeFromMessageIndex: index,
}: CreateRunInput): NewRun['insteadOf'] {
  if (replaces !== undefined) return { messageId: replaces }
  if (regenerates !== undefined) return { answerOf: regenerates }
  return index === undefined ? null : { index }
}

function keyOf(
  asked: Parameters<typeof fingerprintOf>[0],
  occurrence: string | undefined,
  key: string | undefined,
): Pick<NewRun, 'idempotencyKey' | 'fingerprint'> {
  // An occurrence has one run, even if two versions of the agent ask for different things.
  if (occurrence !== undefined) {
    return { idempotencyKey: `${SCHEDULE_KEY_PREFIX}${occurrence}`, fingerprint: null }
  }
  if (key === undefined) return { idempotencyKey: null, fingerprint: null }
  return { idempotencyKey: key, fingerprint: fingerprintOf(asked) }
}
