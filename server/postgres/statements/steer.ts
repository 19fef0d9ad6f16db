// Sends the messages of a create to the run under way in its conversation, in place of creating a run. This is decided
// under the conversation's lock.
import type pg from 'pg'
import { v7 as uuidv7 } from 'uuid'
import { filesIn } from '../../contract/file.ts'
import type { Message, UserMessage } from '../../contract/message.ts'
import { toStorableJson } from '../../contract/storable-json.ts'
import { OPEN } from '../../lifecycle/statuses.ts'
import type { CreatedRun, NewRun } from '../../ports/create-run.ts'
import { isOwned, ownerValues } from '../owned-by.ts'
import { execute } from '../connections/transaction.ts'
import { RUN_COLUMNS, toRun } from '../rows/run-row.ts'
import type { RunRow } from '../rows/run-row.ts'
import { insertSent, lookAtSent, roomFor } from './sent-messages.ts'

// Ending or cancelling the run locks its row too. So either the messages are there before, or the row no longer
// matches.
const LOCK = {
  name: 'steer_lock',
  text: `
    SELECT ${RUN_COLUMNS} FROM agent_runtime.run r
    WHERE r.conversation_id = $1 AND r.status IN ${OPEN} AND r.turn IS NULL
      AND r.agent_key = $2 AND r.params IS NOT DISTINCT FROM $3::jsonb AND r.branch = $4
      AND r.cancel_requested_at IS NULL AND NOT (r.attempt = 0 AND COALESCE(r.run_at > now(), false))
      AND ${isOwned('r', 5)}
    ORDER BY r.id
    LIMIT 1
    FOR NO KEY UPDATE`,
}

/** @returns undefined when the messages need a run of their own */
export async function steer(
  client: pg.PoolClient,
  run: NewRun,
  branch: number,
): Promise<CreatedRun | undefined> {
  const { messages } = run
  if (!isMessagesAlone(run) || !areSendable(messages)) return undefined
  const [row] = await execute<RunRow>(client, LOCK, [
    run.conversationId,
    run.agentKey,
    run.params === null ? null : JSON.stringify(run.params),
    branch,
    ...ownerValues(run.principal),
  ])
  if (row === undefined) return undefined
  const look = await lookAtSent(client, row.id, null)
  const sent = messages.map((message) => ({ id: uuidv7(), body: toStorableJson(message) }))
  if (look === undefined || roomFor(sent, look) !== 'some') return undefined
  await insertSent(client, row.id, {
    messages: sent,
    createKey: createKeyOf(run),
    fingerprint: run.fingerprint,
  })
  return { kind: 'steered', run: toRun(row), messageIds: sent.map(({ id }) => id), isNew: true }
}

/** Whether the request only has messages. A time, a place in the history, or webhooks need a run of their own. */
const isMessagesAlone = ({ runAt, insteadOf, webhooks }: NewRun): boolean =>
  runAt === null && insteadOf === null && webhooks.length === 0

function areSendable(messages: readonly Message[]): messages is readonly UserMessage[] {
  return (
    messages.length > 0 && messages.every(({ role }) => role === 'user') && filesIn(messages).length === 0
  )
}

/** The key contains the conversation's id, which no other owner's conversation has. */
export function createKeyOf({ conversationId, idempotencyKey }: NewRun): string | null {
  return conversationId === null || idempotencyKey === null ? null : `${conversationId}/${idempotencyKey}`
}
