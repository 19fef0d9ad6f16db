import { v7 as uuidv7 } from 'uuid'
import { SENT_KEY_PREFIX } from '../contract/run.ts'
import type { NewRun } from '../ports/create-run.ts'
import type { EventBus } from '../ports/event-bus.ts'
import type { Logger } from '../ports/logger.ts'
import { isLimited } from '../ports/runs-at-once.ts'
import type { RunsAtOnce } from '../ports/runs-at-once.ts'
import type { LeftMessages, SentStore } from '../ports/store/sent-store.ts'
import type { LetIn } from './let-in.ts'

interface PassOnPorts {
  store: Pick<SentStore, 'findLeft' | 'passOn'>
  bus: Pick<EventBus, 'publish'>
  letIn: LetIn
  log: Logger
}

/**
 * Makes the conversation's next run of what these runs were sent and have not read; without ids, of what any run has left: a process may
 * have died in between. Never rejects.
 */
export type PassOn = (runIds?: readonly string[]) => Promise<void>

const PATIENCE_MS = 4_000

export function createPassOn(ports: PassOnPorts, runsAtOnce: RunsAtOnce): PassOn {
  const { store, bus, letIn, log } = ports

  /** Its key is that of the run that is over, so that of two processes one creates it. */
  async function passOn(left: LeftMessages): Promise<void> {
    const { runId, owner, conversationId } = left
    const next = toNewRun(left, isLimited(owner, runsAtOnce))
    const answer = await store.passOn(left, next, { lockPatienceMs: PATIENCE_MS })
    switch (answer.kind) {
      case 'created':
        bus.publish([{ kind: 'conversation', conversationId }])
        if (answer.isParked) void letIn(owner)
        return
      case 'existing':
      case 'no-conversation':
        return
      default:
        log.warn({ runId, answer: answer.kind }, 'what a run was sent waits for a next run')
    }
  }

  return async (runIds) => {
    try {
      for (const left of await store.findLeft(runIds ?? null)) {
        try {
          await passOn(left)
        } catch (error) {
          log.warn({ err: error, runId: left.runId }, 'passing on what a run was sent failed; trying again')
        }
      }
    } catch (error) {
      log.warn({ err: error }, 'looking for what runs were sent failed; trying again')
    }
  }
}

function toNewRun({ runId, owner, ...left }: LeftMessages, isOneLimited: boolean): NewRun {
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
