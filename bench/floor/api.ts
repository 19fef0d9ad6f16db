// The least that a run costs: bare node:http over bare pg. Creates in one turn of the event loop share a
// statement; all streams of the process share a read. It has no retries, no authentication and no validation.
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import pg from 'pg'
import { v7 as uuidv7 } from 'uuid'
import { reportReady } from '../driver/server-child.ts'
import { FILES, moveFile } from './files.ts'
import { QUEUED, TERMINAL, WRITTEN } from './schema.ts'

const CREATE = {
  name: 'create',
  text: `WITH created AS (
      INSERT INTO run (id, agent_key, messages, params)
      SELECT * FROM unnest($1::uuid[], $2::text[], $3::jsonb[], $4::jsonb[])
    ) SELECT pg_notify('${QUEUED}', '')`,
}

const EVENTS_PER_READ = 1_000

// LATERAL with a LIMIT reads the index once per run, whatever the planner assumes about the table.
const READ = {
  name: 'read',
  text: `SELECT w.cursor::int, e.seq, e.type, e.payload::text, e.ts::text
    FROM unnest($1::uuid[], $2::int[]) WITH ORDINALITY AS w (run_id, after_seq, cursor) CROSS JOIN LATERAL (
      SELECT * FROM event WHERE run_id = w.run_id AND seq > w.after_seq ORDER BY seq LIMIT ${EVENTS_PER_READ}
    ) e`,
}

interface Creation {
  id: string
  agentKey: string
  messages: string
  params: string | null
  response: ServerResponse
}

interface Subscriber {
  response: ServerResponse
  seq: number
}

const connectionString = process.env['DATABASE_URL']
const pool = new pg.Pool({ connectionString, max: 10 })
const listening = new pg.Client({ connectionString })

let creations: Creation[] = []

async function flushCreations(): Promise<void> {
  const batch = creations
  creations = []
  const columns = [
    batch.map((run) => run.id),
    batch.map((run) => run.agentKey),
    batch.map((run) => run.messages),
    batch.map((run) => run.params),
  ]
  await pool.query({ ...CREATE, values: columns })
  for (const { id, agentKey, response } of batch) {
    const body = JSON.stringify({
      id,
      agent_key: agentKey,
      status: 'queued',
      created_at: new Date().toISOString(),
    })
    response.writeHead(201, { 'content-type': 'application/json', 'content-length': body.length }).end(body)
  }
}

function create(request: IncomingMessage, response: ServerResponse): void {
  let body = ''
  request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
  request.once('end', () => {
    const { agent_key: agentKey, messages, params } = JSON.parse(body) as Record<string, unknown>
    if (creations.length === 0) setImmediate(() => void flushCreations())
    creations.push({
      id: uuidv7(),
      agentKey: String(agentKey),
      messages: JSON.stringify(messages),
      params: params === undefined ? null : JSON.stringify(params),
      response,
    })
  })
}

/** Streams of a run. Those at the same event share a read and its text. */
const subscribers = new Map<string, Set<Subscriber>>()
const unread = new Set<string>()
let reading = false

interface Row {
  /** The index of the cursor that it was read for, from 1. */
  cursor: number
  seq: number
  type: string
  payload: string
  ts: string
}

async function readUnread(): Promise<void> {
  if (reading) return
  reading = true
  while (unread.size > 0) {
    const groups = [...unread].flatMap((runId) =>
      [...Map.groupBy(subscribers.get(runId) ?? [], ({ seq }) => seq)].map(([seq, readers]) => ({
        runId,
        seq,
        readers,
      })),
    )
    unread.clear()
    const cursors = [groups.map(({ runId }) => runId), groups.map(({ seq }) => seq)]
    const { rows } = await pool.query<Row>({ ...READ, values: cursors })
    for (const [cursor, events] of Map.groupBy(rows, (row) => row.cursor)) {
      const group = groups[cursor - 1]
      if (group !== undefined) send(group.runId, group.readers, events)
    }
  }
  reading = false
}

function send(runId: string, readers: readonly Subscriber[], rows: readonly Row[]): void {
  const last = rows.at(-1)
  if (last === undefined) return
  const frames = rows.map(({ seq, type, payload, ts }) => {
    const data = `{"run_id":"${runId}","seq":${seq},"type":"${type}","ts":"${ts}","payload":${payload}}`
    return type === TERMINAL ? '' : `id: ${seq}\nevent: ${type}\ndata: ${data}\n\n`
  })
  const text = Buffer.from(frames.join(''))
  for (const reader of readers) {
    reader.seq = last.seq
    if (last.type === TERMINAL) reader.response.end(text)
    else reader.response.write(text)
  }
  if (rows.length === EVENTS_PER_READ) unread.add(runId)
}

function follow(request: IncomingMessage, response: ServerResponse, runId: string): void {
  const subscriber = { response, seq: Number(request.headers['last-event-id'] ?? 0) }
  const group = subscribers.get(runId) ?? new Set()
  subscribers.set(runId, group.add(subscriber))
  response.once('close', () => {
    group.delete(subscriber)
    if (group.size === 0) subscribers.delete(runId)
  })
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  unread.add(runId)
  void readUnread()
}

listening.on('notification', ({ payload = '' }) => {
  for (const runId of payload.split(',')) if (subscribers.has(runId)) unread.add(runId)
  void readUnread()
})
await listening.connect()
await listening.query(`LISTEN ${WRITTEN}`)

const server = createServer((request, response) => {
  const runId = request.url?.split('/')[4]
  if (request.url?.startsWith(FILES)) void moveFile(request, response)
  else if (request.method === 'POST') create(request, response)
  else if (request.url === '/healthz') response.end('{"status":"ok"}')
  else follow(request, response, runId ?? '')
})
server.listen(0, '127.0.0.1', () => {
  reportReady({
    port: (server.address() as AddressInfo).port,
    stop: async () => process.exit(),
  })
})
