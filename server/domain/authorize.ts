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
 * The thing to create: a run, a conversation, a file, a schedule, or a webhook of a run or conversation. A run that may
 * create its conversation is asked about twice: as a run and as a conversation. `externalId` is the caller's key of
 * that conversation, if the request gives one.
 */
export type CreateResource =
  | { kind: 'run'; agentKey: string; conversationId: string | null; externalId?: string }
  | { kind: 'conversation'; agentKey: string | null }
  | { kind: 'file'; agentKey: null; name: string | null; mediaType: string }
  | { kind: 'schedule'; agentKey: string }
  | { kind: 'webhook'; agentKey: string | null; url: string }

/**
 * The thing to delete: a run that is over, a conversation with all its runs, a file (messages may name it), a schedule,
 * or a memory.
 */
export type DeleteResource =
  | { kind: 'run'; run: RunSummary }
  | { kind: 'conversation'; conversation: ConversationSummary }
  | { kind: 'file'; file: FileSummary }
  | { kind: 'schedule'; schedule: ScheduleSummary }
  | { kind: 'memory'; memory: MemorySummary }

/** The thing to change: a conversation, a schedule, or a caller's webhook. */
export type UpdateResource =
  | { kind: 'conversation'; conversation: ConversationSummary }
  | { kind: 'schedule'; schedule: ScheduleSummary }
  | { kind: 'webhook'; webhook: WebhookSummary }

/** The actions that `authorize` is asked about, each with its resource. */
export interface ActionResources {
  create: CreateResource
  /**
   * How far the caller sees things of a kind: runs (and their events), conversations, files, schedules, memories or
   * webhooks.
   */
  read: { kind: 'run' | 'conversation' | 'file' | 'schedule' | 'memory' | 'webhook' }
  /** Changing or archiving a conversation; pausing, resuming or running a schedule; sending a webhook again. */
  update: UpdateResource
  /** Deleting the thing with all its data. */
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
  /** Seeing an agent in the list of agents. Asked once for each agent. */
  listAgents: { agentKey: string }
}

export type Action = keyof ActionResources

/** The arguments of `authorize`. The type of the resource narrows with the action. */
export type AuthorizeQuestion<TAction extends Action = Action> = {
  [K in TAction]: [principal: Principal, action: K, resource: ActionResources[K]]
}[TAction]

/** For `read`: how far the caller sees, or false for nothing. For every other action: whether it is allowed. */
export type AuthorizeAnswer = Scope | boolean

/**
 * Decides what a caller may do. It is asked about `read` before anything is read, listed, changed, deleted, cancelled,
 * answered or streamed. The answer bounds the query: anything beyond it gives 404. About other actions it is asked
 * after the caller was found to be allowed to read the resource; false gives 403. For an open stream it is asked again
 * every `streamReauthenticateSeconds`.
 *
 * When it throws, or does not answer within `authorizeTimeoutSeconds`, the request is refused with 503. An answer of
 * the wrong kind counts as false. An `AgentRuntimeError` that it throws is passed to the caller. Default: {@link
 * ownersOnly}.
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
 * An `authorize` that ignores the resource. The resource is `unknown`, so that a third parameter of any other type is
 * an error. The second signature repeats the first on purpose: TypeScript takes no parameter types from an overloaded
 * type, so they come from {@link Authorize} and keep narrowing.
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

/** The default: owners may do everything with their own things. Visitors only see `user` events and inspect nothing. */
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

/** Null when the tenant owns it. */
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
