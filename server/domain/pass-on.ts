import { v7 as uuidv7 } from 'uuid'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import { SENT_KEY_PREFIX } from '../contract/create-run.ts'
import { NOT_ASKED } from '../ports/create-run.ts'
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
  /** Undefined when there is no quota. */
  checkQuota: CheckQuota | undefined
}

/**
 * Creates the conversation's next run from messages that these ended runs have not read. Without ids it looks for all
 * such runs, since a process may have died before it did this. Never rejects.
 */
export type PassOn = (runIds?: readonly string[]) => Promise<void>

const PATIENCE_MS = 4_000
/** How many runs one look handles. */
const PAGE = 100

export function createPassOn(ports: PassOnPorts, { runsAtOnce, checkQuota }: PassOnSettings): PassOn {
  const { store, bus, letIn, access, log } = ports
  /** Where the next look continues, so that runs it cannot handle do not block those after them. */
  let place: LeftPlace | null = null

  /** Checks the owner's permission, without claims, because no caller is present. */
  async function mayCreate({ runId, owner, agentKey, conversationId }: LeftMessages): Promise<boolean> {
    try {
      await access.assertMay(owner, 'create', { kind: 'run', agentKey, conversationId })
      await checkQuota?.(owner, agentKey)
      return true
    } catch (error) {
      if (!(error instanceof AgentRuntimeError) || isUnavailable(error)) throw error
      log.info(
        { runId, by: owner, code: error.code },
        'unread messages stay with their run: its owner may not create another',
      )
      return false
    }
  }

  /** The idempotency key names what is passed on, so that two processes create only one next run. */
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
        log.warn({ runId, answer: answer.kind }, 'unread messages of a run could not be passed on yet')
    }
  }

  /** @returns false when the other runs should not be tried now either. */
  async function settle(runId: string): Promise<boolean> {
    try {
      const left = await store.readLeft(runId)
      if (left === null) return true
      if (left.isHandedOn || (await mayCreate(left))) await passOn(left)
      else await store.keepLeft(runId)
      return true
    } catch (error) {
      log.warn({ err: error, runId }, 'passing on unread messages of a run failed; trying again')
      return !isUnavailable(error)
    }
  }

  async function settleSome(): Promise<void> {
    const found = await store.findLeft(place, PAGE)
    for (const left of found) {
      place = left
      // Stop when `quota` or `authorize` does not answer: each further run, and upkeep, would wait as long.
      if (!(await settle(left.runId))) return
    }
    if (found.length < PAGE) place = null
  }

  return async (runIds) => {
    if (runIds !== undefined) {
      for (const runId of runIds) if (!(await settle(runId))) return
      return
    }
    try {
      await settleSome()
    } catch (error) {
      log.warn({ err: error }, 'looking for unread messages of runs failed; trying again')
    }
  }
}

function isUnavailable(error: unknown): boolean {
  return error instanceof AgentRuntimeError && error.code === 'unavailable'
}

/** A run leaves what people said when it ends, all at once. Of ends of other runs it may leave some again and again. */
function toNewRun(
  {
    runId,
    owner,
    isHandedOn: _isHandedOn,
    tellsOfEnds: _tells,
    isOnlyEnds,
    positions,
    ...left
  }: LeftMessages,
  isOneLimited: boolean,
): NewRun {
  return {
    ...NOT_ASKED,
    ...left,
    id: uuidv7(),
    principal: owner,
    idempotencyKey: `${SENT_KEY_PREFIX}${runId}${isOnlyEnds ? `/${positions[0]}` : ''}`,
    isLimited: isOneLimited,
  }
}
