import { v7 as uuidv7 } from 'uuid'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import { SENT_KEY_PREFIX } from '../contract/create-run.ts'
import type { NewRun } from '../ports/create-run.ts'
import type { EventBus } from '../ports/event-bus.ts'
import type { Logger } from '../ports/logger.ts'
import { isLimited } from '../ports/runs-at-once.ts'
import type { RunsAtOnce } from '../ports/runs-at-once.ts'
import type { LeftMessages, LeftPlace, SentStore } from '../ports/store/sent-store.ts'
import type { Access } from './access.ts'
import type { LetIn } from './let-in.ts'
import type { CheckQuota } from './quota.ts'

interface PassOnPorts {
  store: Pick<SentStore, 'findLeft' | 'readLeft' | 'keepLeft' | 'passOn'>
  bus: Pick<EventBus, 'publish'>
  letIn: LetIn
  access: Pick<Access, 'assertMay'>
  log: Logger
}

interface PassOnSettings {
  runsAtOnce: RunsAtOnce
  /** Undefined where there is no quota. */
  checkQuota: CheckQuota | undefined
}

/**
 * Makes the conversation's next run of what these runs were sent and have not read; without ids, of what any run has left: a process may
 * have died in between. Never rejects.
 */
export type PassOn = (runIds?: readonly string[]) => Promise<void>

const PATIENCE_MS = 4_000
/** How many runs are looked after at once. */
const PAGE = 100

export function createPassOn(ports: PassOnPorts, { runsAtOnce, checkQuota }: PassOnSettings): PassOn {
  const { store, bus, letIn, access, log } = ports
  /** Where the next look goes on: runs that can't be passed on don't keep it from those after them. */
  let place: LeftPlace | null = null

  /** Asked of the owner, without claims: nobody is there who asks. */
  async function mayCreate({ runId, owner, agentKey, conversationId }: LeftMessages): Promise<boolean> {
    try {
      await access.assertMay(owner, 'create', { kind: 'run', agentKey, conversationId })
      await checkQuota?.(owner, agentKey)
      return true
    } catch (error) {
      if (!(error instanceof AgentRuntimeError) || isUnavailable(error)) throw error
      log.info(
        { runId, by: owner, code: error.code },
        'what a run was sent is kept with it: no next run may be created',
      )
      return false
    }
  }

  /** Its key is that of the run that is over, so that of two processes one creates it. */
  async function passOn(left: LeftMessages): Promise<void> {
    const { runId, owner, conversationId } = left
    const next = left.isHandedOn ? null : toNewRun(left, isLimited(owner, runsAtOnce))
    const answer = await store.passOn(left, next, { lockPatienceMs: PATIENCE_MS })
    switch (answer.kind) {
      case 'created':
        bus.publish([{ kind: 'conversation', conversationId }])
        if (answer.isParked) void letIn(owner)
        return
      case 'joined':
        bus.publish([{ kind: 'conversation', conversationId }])
        return
      case 'existing':
      case 'no-conversation':
        return
      default:
        log.warn({ runId, answer: answer.kind }, 'what a run was sent waits for a next run')
    }
  }

  /** @returns whether others can be tried now. */
  async function settle(runId: string): Promise<boolean> {
    try {
      const left = await store.readLeft(runId)
      if (left === null) return true
      if (left.isHandedOn || (await mayCreate(left))) await passOn(left)
      else await store.keepLeft(runId)
      return true
    } catch (error) {
      log.warn({ err: error, runId }, 'passing on what a run was sent failed; trying again')
      return !isUnavailable(error)
    }
  }

  async function settleSome(): Promise<void> {
    const found = await store.findLeft(place, PAGE)
    for (const left of found) {
      place = left
      // Each would wait as long for `quota` or `authorize`, and upkeep with it.
      if (!(await settle(left.runId))) return
    }
    if (found.length < PAGE) place = null
  }

  return async (runIds) => {
    if (runIds !== undefined) {
      for (const runId of runIds) await settle(runId)
      return
    }
    try {
      await settleSome()
    } catch (error) {
      log.warn({ err: error }, 'looking for what runs were sent failed; trying again')
    }
  }
}

function isUnavailable(error: unknown): boolean {
  return error instanceof AgentRuntimeError && error.code === 'unavailable'
}

function toNewRun(
  { runId, owner, isHandedOn: _isHandedOn, ...left }: LeftMessages,
  isOneLimited: boolean,
): NewRun {
  return {
    ...left,
    id: uuidv7(),
    principal: owner,
    newConversation: null,
    insteadOf: null,
    fileIds: [],
    webhooks: [],
    idempotencyKey: `${SENT_KEY_PREFIX}${runId}`,
    fingerprint: null,
    runAt: null,
    expiresAt: null,
    conversationPolicy: 'queue',
    isLimited: isOneLimited,
    maxWaiting: Infinity,
  }
}
