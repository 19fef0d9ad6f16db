// Finished runs with every kind of event, for tests of what must not depend on how they are stored.
import fc from 'fast-check'
import { v7 as uuidv7 } from 'uuid'
import type { AnyRunEvent } from '../../../../server/contract/event.ts'
import type { Visibility } from '../../../../server/contract/visibility.ts'
import type { Json } from '../../../../server/contract/json.ts'

export interface SpokenRun {
  id: string
  status: 'succeeded' | 'failed' | 'cancelled'
  attempts: number
  events: AnyRunEvent[]
}

interface Piece {
  say: 'assistant.delta' | 'assistant.message' | 'reasoning.delta' | 'tool.input' | 'tool.call' | 'custom'
  messageId: string
  content: string
  /** Used in place of the run's, as if the setting had changed while it ran. */
  visibility: Visibility | null
}

const visibility = fc.constantFrom<Visibility>('user', 'user', 'user', 'debug', 'internal')

const piece: fc.Arbitrary<Piece> = fc.record({
  say: fc.constantFrom<Piece['say']>(
    ...Array<'assistant.delta'>(6).fill('assistant.delta'),
    'assistant.message',
    'reasoning.delta',
    'reasoning.delta',
    'tool.input',
    'tool.call',
    'custom',
  ),
  messageId: fc.constantFrom('m1', 'm1', 'm1', 'm2', 'm3'),
  content: fc.constantFrom('a', 'bc', 'é😀', '', '"\\', ' '),
  visibility: fc.oneof({ weight: 30, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: visibility }),
})

/**
 * A few attempts with complete, aborted and interleaved messages, shown to the readers that settings allow.
 */
export const spokenRun: fc.Arbitrary<SpokenRun> = fc
  .record({
    attempts: fc.array(fc.array(piece, { maxLength: 12 }), { minLength: 1, maxLength: 3 }),
    status: fc.constantFrom<SpokenRun['status']>('succeeded', 'failed', 'cancelled'),
    shownTo: fc.record({
      'assistant.delta': visibility,
      'assistant.message': visibility,
      'reasoning.delta': visibility,
      'tool.input': visibility,
      'tool.call': visibility,
      custom: visibility,
      end: fc.constantFrom<Visibility>('user', 'internal'),
    }),
  })
  .map(({ attempts, status, shownTo }) => {
    const id = uuidv7()
    const events: AnyRunEvent[] = []
    const say = (attempt: number, type: string, event: { visibility: Visibility; payload: Json }) =>
      events.push({
        runId: id,
        seq: events.length + 1,
        attempt,
        type,
        ts: '2026-01-01T00:00:00.000Z',
        ...event,
      })
    for (const [index, pieces] of attempts.entries()) {
      const attempt = index + 1
      say(attempt, 'run.started', { visibility: 'internal', payload: { agentKey: 'a' } })
      const called = new Set<string>()
      for (const { say: type, messageId, content, visibility: own } of pieces) {
        // A complete call writes no pieces.
        if (type === 'tool.input' && called.has(messageId)) continue
        if (type === 'tool.call') called.add(messageId)
        const payload = payloadOf(type, { messageId, content, attempt })
        say(attempt, type, { visibility: own ?? shownTo[type], payload })
      }
      if (attempt < attempts.length) say(attempt, 'run.retrying', { visibility: 'internal', payload: {} })
    }
    say(attempts.length, `run.${status}`, { visibility: shownTo.end, payload: endingOf(status) })
    return { id, status, attempts: attempts.length, events }
  })

function payloadOf(
  type: Piece['say'],
  { attempt, ...said }: { messageId: string; content: string; attempt: number },
): Json {
  if (type === 'custom') return { content: said.content }
  const call = { toolCallId: `${attempt} ${said.messageId}`, tool: 'look' }
  if (type === 'tool.call') return { ...call, arguments: said.content, messageId: said.messageId }
  return type === 'tool.input' ? { ...call, ...said } : said
}

function endingOf(status: SpokenRun['status']): Json {
  return status === 'succeeded' ? { output: 'done' } : status === 'failed' ? { error: 'No.', code: 'no' } : {}
}

type Sql = (text: string, values: unknown[]) => Promise<unknown>

/** Stores runs as if they had ended at these milliseconds since the epoch, one after the other. */
export async function storeSpokenRuns(
  sql: Sql,
  runs: readonly SpokenRun[],
  endedAtMs: number,
): Promise<void> {
  const events = runs.flatMap((run) => run.events)
  await sql(
    `INSERT INTO agent_runtime.run
       (id, owner_id, agent_key, status, attempt, max_attempts, last_seq, timeout_ms, error,
        created_at, started_at, finished_at)
     SELECT id, 'public', 'a', status, attempts, 3, last_seq, 1000,
       CASE WHEN status = 'failed' THEN '{"message":"No.","code":"no"}'::jsonb END,
       to_timestamp(ms / 1000.0), to_timestamp(ms / 1000.0), to_timestamp(ms / 1000.0)
     FROM unnest($1::uuid[], $2::agent_runtime.run_status[], $3::int[], $4::int[], $5::bigint[])
       AS r (id, status, attempts, last_seq, ms)`,
    [
      runs.map(({ id }) => id),
      runs.map(({ status }) => status),
      runs.map(({ attempts }) => attempts),
      runs.map((run) => run.events.length),
      runs.map((_, index) => endedAtMs + index),
    ],
  )
  await sql(
    `INSERT INTO agent_runtime.event (run_id, seq, attempt, type, visibility, payload, ts)
     SELECT * FROM unnest($1::uuid[], $2::int[], $3::int[], $4::text[], $5::agent_runtime.visibility[],
       $6::jsonb[], $7::timestamptz[])`,
    [
      events.map(({ runId }) => runId),
      events.map(({ seq }) => seq),
      events.map(({ attempt }) => attempt),
      events.map(({ type }) => type),
      events.map(({ visibility: level }) => level),
      events.map(({ payload }) => JSON.stringify(payload)),
      events.map(({ ts }) => ts),
    ],
  )
}
