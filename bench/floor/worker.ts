// Takes runs when they are announced, and writes what they emit. Events emitted during a write go into the
// next write, with endings and the notification in the same statement.
import pg from 'pg'
import { endStreams, noop, stream } from '../agents.ts'
import type { StreamParams } from '../agents.ts'
import { reportReady } from '../driver/server-child.ts'
import { QUEUED, RUN_IDS_PER_NOTIFICATION, TERMINAL, WRITTEN } from './schema.ts'

const RUNS_PER_CLAIM = 100

const CLAIM = {
  name: 'claim',
  text: `UPDATE run SET status = 'running' WHERE id IN (
      SELECT id FROM run WHERE status = 'queued' ORDER BY id LIMIT ${RUNS_PER_CLAIM} FOR UPDATE SKIP LOCKED
    ) RETURNING id, params`,
}

const WRITE = {
  name: 'write',
  text: `WITH written AS (
      INSERT INTO event (run_id, seq, type, payload, ts)
      SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[], $4::jsonb[], $5::timestamptz[])
    ), ended AS (
      UPDATE run SET status = 'succeeded', finished_at = now() WHERE id = ANY ($6::uuid[])
    ) SELECT pg_notify('${WRITTEN}', run_ids) FROM unnest($7::text[]) AS run_ids`,
}
const EVENTS_PER_WRITE = 1_000

interface PendingEvent {
  runId: string
  seq: number
  type: string
  payload: string
  ts: string
}

const connectionString = process.env['DATABASE_URL']
const pool = new pg.Pool({ connectionString, max: 10 })
const listening = new pg.Client({ connectionString })

const pending: PendingEvent[] = []
let writing = false

function add(event: Omit<PendingEvent, 'ts'>): void {
  pending.push({ ...event, ts: new Date().toISOString() })
  if (writing) return
  writing = true
  setImmediate(() => void writePending())
}

async function writePending(): Promise<void> {
  while (pending.length > 0) {
    const batch = pending.splice(0, EVENTS_PER_WRITE)
    const runIds = [...new Set(batch.map((event) => event.runId))]
    const notifications: string[] = []
    for (let start = 0; start < runIds.length; start += RUN_IDS_PER_NOTIFICATION) {
      notifications.push(runIds.slice(start, start + RUN_IDS_PER_NOTIFICATION).join(','))
    }
    const values = [
      batch.map((event) => event.runId),
      batch.map((event) => event.seq),
      batch.map((event) => event.type),
      batch.map((event) => event.payload),
      batch.map((event) => event.ts),
      batch.filter((event) => event.type === TERMINAL).map((event) => event.runId),
      notifications,
    ]
    await pool.query({ ...WRITE, values })
  }
  writing = false
}

/** @param params null for a no-op. */
async function execute(runId: string, params: StreamParams | null): Promise<void> {
  let seq = 0
  const emit = async (type: string, payload: unknown): Promise<void> => {
    add({ runId, seq: (seq += 1), type, payload: JSON.stringify(payload) })
  }
  await (params === null ? noop(emit) : stream(emit, params))
  await emit(TERMINAL, {})
}

let claiming = false
let announced = true

async function claimAll(): Promise<void> {
  if (claiming) return
  claiming = true
  while (announced) {
    announced = false
    const { rows } = await pool.query(CLAIM)
    if (rows.length === RUNS_PER_CLAIM) announced = true
    for (const { id, params } of rows) void execute(id, params)
  }
  claiming = false
}

listening.on('notification', () => {
  announced = true
  void claimAll()
})
await listening.connect()
await listening.query(`LISTEN ${QUEUED}`)
void claimAll()
reportReady({ endStreams, stop: async () => process.exit() })
