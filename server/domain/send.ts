import { v7 as uuidv7 } from 'uuid'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import { filesIn } from '../contract/file.ts'
import type { UserMessage } from '../contract/message.ts'
import { invalid, parseInput } from '../contract/parse-input.ts'
import { parsePrincipal } from '../contract/principal.ts'
import type { Principal } from '../contract/principal.ts'
import { SendInput } from '../contract/sent-message.ts'
import type { SendRequest, SentMessage } from '../contract/sent-message.ts'
import { assertStorable } from '../contract/storable-json.ts'
import type { EventBus } from '../ports/event-bus.ts'
import type { Logger } from '../ports/logger.ts'
import { ownerOf } from '../ports/owner.ts'
import type { Owner } from '../ports/owner.ts'
import { MAX_UNREAD_BYTES } from '../ports/store/sent-store.ts'
import type { SentStore } from '../ports/store/sent-store.ts'
import { noSuchRun } from './run-events.ts'

interface SendPorts {
  store: Pick<SentStore, 'sendMessage'>
  bus: Pick<EventBus, 'publish'>
  log: Logger
}

export type Send = (principal: Principal, request: SendRequest) => Promise<SentMessage>

/** `Retry-After` when a run has too many unread messages. A guess: nobody knows when it reads them. */
const FULL_RETRY_SECONDS = 5

/** @param findOwner checks that the caller may send to the run, and returns its owner */
export function createSend(
  { store, bus, log }: SendPorts,
  findOwner: (caller: Principal, runId: string) => Promise<Owner>,
): Send {
  return async (principal, request) => {
    const caller = parsePrincipal(principal)
    const { runId, message: given, idempotencyKey: key = null } = parseInput(SendInput, request)
    const message: UserMessage = typeof given === 'string' ? { role: 'user', content: given } : given
    assertStorable({ message, key })
    if (filesIn([message]).length > 0) {
      const problem = 'Only messages of a new run can name uploaded files, not messages sent to a run.'
      throw invalid(`The request is not valid at message: ${problem}`, [
        { path: ['message'], message: problem },
      ])
    }
    if (Buffer.byteLength(JSON.stringify(message)) > MAX_UNREAD_BYTES) {
      throw new AgentRuntimeError(
        'payload_too_large',
        `A message to a run may have at most ${MAX_UNREAD_BYTES} bytes.`,
      )
    }
    const owner = await findOwner(caller, runId)
    const outcome = await store.sendMessage(owner, { id: uuidv7(), runId, message, key })
    switch (outcome.kind) {
      case 'not-found':
        return noSuchRun(runId)
      case 'over':
        throw new AgentRuntimeError('conflict', 'The run is over, or about to be: create another.', {
          details: { status: outcome.run.status },
        })
      case 'alone':
        throw new AgentRuntimeError(
          'conflict',
          'The run is in no conversation, so no later run could read what it leaves unread.',
        )
      case 'full':
        throw new AgentRuntimeError(
          'rate_limited',
          `The run has ${outcome.unread} unread messages, and accepts no more until it has read some.`,
          { details: { unread: outcome.unread, retryAfterSeconds: FULL_RETRY_SECONDS } },
        )
      case 'spent':
        throw new AgentRuntimeError(
          'conflict',
          'The run was sent as many messages as one run may get: create another.',
        )
      case 'sent':
        if (outcome.isNew) log.info({ runId, by: ownerOf(caller) }, 'a run was sent a message')
        // A `cancel` hint only makes the worker look at the row, where it finds the message.
        if (outcome.run.status === 'running') bus.publish([{ kind: 'cancel', runId }])
        return { messageId: outcome.messageId, run: outcome.run }
    }
  }
}
