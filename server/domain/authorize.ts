import type { ConversationSummary } from '../contract/conversation.ts'
import type { MemorySummary } from '../contract/memory.ts'
import type { ScheduleSummary } from '../contract/schedule.ts'
import type { FileSummary } from '../contract/file.ts'
import type { Principal } from '../contract/principal.ts'
import type { RunSummary } from '../contract/run.ts'
import type { Scope } from '../contract/scope.ts'
import type { WaitKind } from '../contract/wait.ts'
import type { WebhookSummary } from '../contract/webhook-delivery.ts'
import { isSameOwner } from '../ports/owner.ts'
import type { Owner } from '../ports/owner.ts'

/**
 * What is created: a run, a conversation, a file, a schedule, or a webhook with a run or a conversation. For a run whose conversation may have to be made with it, both are asked about.
 * `externalId` is the caller's key of that conversation, where the run names it so.
 */
export type CreateResource =
  | { kind: 'run'; agentKey: string; conversationId: string | null; externalId?: string }
  | { kind: 'conversation'; agentKey: string | null }
  | { kind: 'file'; agentKey: null; name: string | null; mediaType: string }
  | { kind: 'schedule'; agentKey: string }
  | { kind: 'webhook'; agentKey: string | null; url: string }

/** A run that is over, a conversation with all its runs, a file, which may be named by messages, a schedule, or what agents remember. */
export type DeleteResource =
  | { kind: 'run'; run: RunSummary }
  | { kind: 'conversation'; conversation: ConversationSummary }
  | { kind: 'file'; file: FileSummary }
  | { kind: 'schedule'; schedule: ScheduleSummary }
  | { kind: 'memory'; memory: MemorySummary }

/** A conversation, a schedule, or a webhook of a caller's. */
export type UpdateResource =
  | { kind: 'conversation'; conversation: ConversationSummary }
  | { kind: 'schedule'; schedule: ScheduleSummary }
  | { kind: 'webhook'; webhook: WebhookSummary }

/** What is asked of `authorize`, and about what. */
export interface ActionResources {
  create: CreateResource
  /** How far the caller sees, of runs (and their events), of conversations, of files, of schedules, of memories, or of webhooks. */
  read: { kind: 'run' | 'conversation' | 'file' | 'schedule' | 'memory' | 'webhook' }
  /** Changing, or archiving, a conversation; pausing, resuming or running a schedule; sending a webhook once more. */
  update: UpdateResource
  /** With all that is theirs. */
  delete: DeleteResource
  cancel: { run: RunSummary }
  /** Answering a wait. */
  respond: { run: RunSummary; wait: { name: string; kind: WaitKind } }
  /** Sending a message to a run under way. */
  send: { run: RunSummary }
  /** Reading `debug` events of a run. */
  includeDebug: { run: RunSummary }
  /** Reading all events of a run. */
  includeAll: { run: RunSummary }
  /** Seeing how a run is executed: steps with their results, waits, worker, checkpoint. */
  inspect: { run: RunSummary }
  /** Seeing an agent in the list of agents. It is asked for each of them. */
  listAgents: { agentKey: string }
}

export type Action = keyof ActionResources

/** Who asks to do what with what: the resource narrows with the action. */
export type AuthorizeQuestion<TAction extends Action = Action> = {
  [K in TAction]: [principal: Principal, action: K, resource: ActionResources[K]]
}[TAction]

/** To `read`: how far, or false for nothing. To every other action: whether. */
export type AuthorizeAnswer = Scope | boolean

/**
 * Tells what a caller may do. It is asked for `read` whenever something is read, listed, changed, deleted, cancelled, answered or streamed, and its
 * answer bounds the query; what lies beyond is answered with 404. About the other actions it is asked with the run or conversation in
 * hand, once it is known that the caller may read it; false is answered with 403. An open stream is asked about again every
 * `streamReauthenticateSeconds`.
 *
 * When it throws, or does not answer within `authorizeTimeoutSeconds`, the request is refused with 503. An answer of the
 * wrong kind counts as false. An `AgentRuntimeError` that it throws is the caller's
 * answer. Default: {@link ownersOnly}.
 *
 * @example
 * authorize(...asked) {
 *   const [principal, action, resource] = asked
 *   const isApprover = principal.claims?.['role'] === 'approver'
 *   if (isApprover && action === 'read') return 'tenant'
 *   if (isApprover && action === 'respond') return resource.wait.kind === 'approval'
 *   return ownersOnly(...asked)
 * }
 */
export type Authorize = (...asked: AuthorizeQuestion) => AuthorizeAnswer | Promise<AuthorizeAnswer>

/**
 * One that needs no resource: it takes it as unknown, so that its third parameter is none of another kind. Its second signature is the first again: a type with several is passed over where a function's parameters get
 * their types, so that those of {@link Authorize} go on to narrow.
 */
export interface BriefAuthorize {
  (principal: Principal, action: Action, resource: unknown): AuthorizeAnswer | Promise<AuthorizeAnswer>
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- Without it the two would be taken for one.
  <TAction extends Action>(
    principal: Principal,
    action: TAction,
    resource: unknown,
  ): AuthorizeAnswer | Promise<AuthorizeAnswer>
}

/** The default: owners may do everything with what is theirs. Visitors see `user` events only, and inspect nothing. */
export function ownersOnly(...asked: AuthorizeQuestion): AuthorizeAnswer {
  const [principal, action, resource] = asked
  switch (action) {
    case 'read':
      return 'own'
    case 'create':
    case 'listAgents':
      return true
    case 'update':
    case 'delete': {
      const owner = ownerIn(resource)
      return owner !== null && isSameOwner(principal, owner)
    }
    case 'cancel':
    case 'respond':
    case 'send':
      return isSameOwner(principal, resource.run.owner)
    case 'includeDebug':
    case 'includeAll':
    case 'inspect':
      return principal.kind !== 'anonymous' && isSameOwner(principal, resource.run.owner)
  }
}

/** Null for what is a tenant's. */
function ownerIn(resource: DeleteResource | UpdateResource): Owner | null {
  switch (resource.kind) {
    case 'run':
      return resource.run.owner
    case 'conversation':
      return resource.conversation.owner
    case 'file':
      return resource.file.owner
    case 'schedule':
      return resource.schedule.owner
    case 'memory':
      return resource.memory.owner
    case 'webhook':
      return resource.webhook.owner
  }
}
