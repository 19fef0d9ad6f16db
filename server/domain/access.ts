import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import type { Principal } from '../contract/principal.ts'
import { isWithin, Scope } from '../contract/scope.ts'
import type { Logger } from '../ports/logger.ts'
import { ownerOf } from '../ports/owner.ts'
import type { Reach } from '../ports/owner.ts'
import { answerInTime } from './answer-in-time.ts'
import { ownersOnly } from './authorize.ts'
import type { Action, ActionResources, Authorize, AuthorizeQuestion, BriefAuthorize } from './authorize.ts'

type Kind = ActionResources['read']['kind']

/** Checks what callers may do, by asking the application's `authorize`. */
export interface Access {
  /** Whether there is an `authorize`. If not, only owners may do anything, so reading with scope `own` is the whole check. */
  readonly isAsked: boolean
  /** How far the caller may see; null for nothing. */
  reach(principal: Principal, kind: Kind): Promise<Reach | null>
  /**
   * The wanted reach, which may be narrower than what is allowed. @throws AgentRuntimeError `forbidden` when it is
   * wider
   */
  reachWithin(principal: Principal, kind: Kind, wanted: Scope): Promise<Reach>
  /** Whether the caller may do this. */
  may(...asked: AuthorizeQuestion<Exclude<Action, 'read'>>): Promise<boolean>
  /** @throws AgentRuntimeError `forbidden` */
  assertMay(...asked: AuthorizeQuestion<Exclude<Action, 'read'>>): Promise<void>
}

interface AccessSettings {
  authorize: Authorize | BriefAuthorize | undefined
  /** How long `authorize` may take to answer. */
  timeoutMs: number
  log: Logger
}

const REFUSALS: Record<Exclude<Action, 'read'>, string> = {
  create: 'You may not create that.',
  update: 'You may not change that.',
  delete: 'You may not delete that.',
  cancel: 'You may not cancel this run.',
  respond: 'You may not answer this wait.',
  send: 'You may not send anything to this run.',
  includeDebug: 'You may not see debug events of this run.',
  includeAll: 'You may not see all events of this run.',
  inspect: 'You may not inspect this run.',
  listAgents: 'You may not see this agent.',
}

const PLURALS: Record<Kind, string> = {
  run: 'runs',
  conversation: 'conversations',
  file: 'files',
  schedule: 'schedules',
  memory: 'memories',
  webhook: 'webhooks',
}

/** Asks the application. Anything but a clear yes is a refusal. */
export function createAccess({ timeoutMs, log, ...settings }: AccessSettings): Access {
  // A `BriefAuthorize` is called with the same arguments.
  const authorize: Authorize | undefined = settings.authorize
  async function ask(...asked: AuthorizeQuestion): Promise<unknown> {
    if (authorize === undefined) return ownersOnly(...asked)
    try {
      return await answerInTime(
        authorize(...asked),
        timeoutMs,
        () => new Error('There was no answer in time.'),
      )
    } catch (error) {
      if (error instanceof AgentRuntimeError) throw error
      log.error({ err: error, action: asked[1] }, 'authorize failed, so a request is refused with 503')
      throw new AgentRuntimeError(
        'unavailable',
        'Your permission could not be checked. Try again in a moment.',
      )
    }
  }

  function refuseAnswer(action: Action, expected: string): false {
    log.error({ action, expected }, 'authorize gave an invalid answer, which counts as false')
    return false
  }

  async function widest(principal: Principal, kind: Kind): Promise<Scope | false> {
    const answer = await ask(principal, 'read', { kind })
    if (answer === false) return false
    const scope = Scope.safeParse(answer)
    return scope.success ? scope.data : refuseAnswer('read', '"own", "tenant", "any" or false')
  }

  async function may(...asked: AuthorizeQuestion<Exclude<Action, 'read'>>): Promise<boolean> {
    const answer = await ask(...asked)
    return typeof answer === 'boolean' ? answer : refuseAnswer(asked[1], 'true or false')
  }

  return {
    isAsked: authorize !== undefined,

    may,

    async reach(principal, kind) {
      const scope = await widest(principal, kind)
      return scope === false ? null : { ...ownerOf(principal), scope }
    },

    async reachWithin(principal, kind, wanted) {
      const scope = await widest(principal, kind)
      if (scope !== false && isWithin(wanted, scope)) return { ...ownerOf(principal), scope: wanted }
      log.info({ by: ownerOf(principal), kind, wanted }, 'refused a list')
      const reason =
        scope === false
          ? `You may not list ${PLURALS[kind]}.`
          : `You may list ${PLURALS[kind]} with scope "${scope}" at most.`
      throw new AgentRuntimeError('forbidden', reason)
    },

    async assertMay(...asked) {
      const [principal, action, resource] = asked
      if (await may(...asked)) return
      log.info({ by: ownerOf(principal), action, ...nameOf(resource) }, 'refused an action')
      throw new AgentRuntimeError('forbidden', REFUSALS[action])
    },
  }
}

/** The id of the resource, if it has one. */
function nameOf(resource: ActionResources[Action]) {
  if ('run' in resource) return { runId: resource.run.id }
  if ('file' in resource) return { fileId: resource.file.id }
  if ('memory' in resource) return { memoryId: resource.memory.id }
  if ('schedule' in resource) return { scheduleId: resource.schedule.id }
  if ('webhook' in resource) return { webhookId: resource.webhook.id }
  return 'conversation' in resource ? { conversationId: resource.conversation.id } : {}
}
