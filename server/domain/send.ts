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

/** `Retry-After` where a run has not read too many. Nobody knows when it reads them. */
const FULL_RETRY_SECONDS = 5

/** @param findOwner the owner of the run, once the caller is allowed to send to it. */
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
      const problem = 'Uploaded files are named by the messages of a new run, and not by what a run is sent.'
      throw invalid(`The request is not valid at message: ${problem}`, [
        { path: ['message'], message: problem },
      ])
    }
    if (Buffer.byteLength(JSON.stringify(message)) > MAX_UNREAD_BYTES) {
      throw new AgentRuntimeError(
        'payload_too_large',
        `What a run is sent has ${MAX_UNREAD_BYTES} bytes at most.`,
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
          'The run is in no conversation: what it would not come to read nobody would.',
        )
      case 'full':
        throw new AgentRuntimeError(
          'rate_limited',
          `The run has not read ${outcome.unread} messages, and takes no more until it has.`,
          { details: { unread: outcome.unread, retryAfterSeconds: FULL_RETRY_SECONDS } },
        )
      case 'spent':
        throw new AgentRuntimeError('conflict', 'The run was sent as much as one run may be: create another.')
      case 'sent':
        if (outcome.isNew) log.info({ runId, by: ownerOf(caller) }, 'a run was sent a message')
        // Its worker looks at the row.
        if (outcome.run.status === 'running') bus.publish([{ kind: 'cancel', runId }])
        return { messageId: outcome.messageId, run: outcome.run }
    }
  }
}
