// Every request over HTTP, and what each kind of caller gets. It is long, since every route has a row in this one list:
// a route or a stream without a row fails the test.
import type { RestAnswer } from '../../../support/rest-client.ts'
import type { Outcome } from './outcomes.ts'
import {
  BY_TICKET,
  CANCEL,
  CHANGE,
  CLAIM,
  KNOWN,
  MORE,
  OPEN,
  OWN,
  READ,
  RESPOND,
  USERS,
  ofUsers,
} from './outcomes.ts'
import { FORM, WORD, codeIn, has, streamed } from './scene.ts'
import type { Asker, Things } from './scene.ts'
import { list, onAnyPage } from './row.ts'
import type { Row } from './row.ts'

const REST = '/api/agents'
const inputOf = (input: object) => `input=${encodeURIComponent(JSON.stringify(input))}`

/** A row of the HTTP face: as JSON, and each stream. */
export const ROUTES: readonly Row<Asker>[] = [
  { of: `GET ${REST}/agents`, outcomes: KNOWN, ask: ({ rest }) => ofAnswer(rest.get('agents')) },
  { of: `GET ${REST}/models`, outcomes: KNOWN, ask: ({ rest }) => ofAnswer(rest.get('models')) },
  { of: `GET ${REST}/systems`, outcomes: KNOWN, ask: ({ rest }) => ofAnswer(rest.get('systems')) },
  { of: 'GET /healthz', outcomes: OPEN, ask: ({ rest }) => ofAnswer(rest.get('/healthz')) },
  { of: 'GET /readyz', outcomes: OPEN, ask: ({ rest }) => ofAnswer(rest.get('/readyz')) },
  {
    of: `POST ${REST}/runs`,
    outcomes: KNOWN,
    ask: ({ rest }) => ofAnswer(rest.post('runs', { agent_key: 'quick' })),
  },
  {
    of: `POST ${REST}/runs`,
    what: 'in a conversation',
    outcomes: OWN,
    ask: ({ rest }, { conversation }) =>
      ofAnswer(rest.post('runs', { agent_key: 'quick', conversation_id: conversation })),
  },
  ...list(`GET ${REST}/runs`, ({ rest }: Asker, scope, { over, conversation }) =>
    listed(rest.get(`runs?conversation_id=${conversation}&scope=${scope}`), over),
  ),
  {
    of: `GET ${REST}/runs/:id`,
    outcomes: READ,
    ask: ({ rest }, { over }) => ofAnswer(rest.get(`runs/${over}`)),
  },
  {
    of: `GET ${REST}/runs/:id/inspection`,
    outcomes: MORE,
    ask: ({ rest }, { over }) => ofAnswer(rest.get(`runs/${over}/inspection`)),
  },
  {
    of: `POST ${REST}/runs/:id/cancel`,
    writes: true,
    outcomes: CANCEL,
    ask: ({ rest }, { queued }) => ofAnswer(rest.post(`runs/${queued}/cancel`)),
  },
  {
    of: `POST ${REST}/runs/:id/respond`,
    writes: true,
    outcomes: RESPOND,
    ask: ({ rest }, { waiting }) => ofAnswer(rest.post(`runs/${waiting}/respond`, WORD)),
  },
  {
    of: `POST ${REST}/runs/:id/messages`,
    writes: true,
    outcomes: CHANGE,
    ask: ({ rest }, { addressed }) => ofAnswer(rest.post(`runs/${addressed}/messages`, { message: 'Hi' })),
  },
  {
    of: `GET ${REST}/runs/:id/events`,
    outcomes: READ,
    ask: ({ rest }, { over }) => ofAnswer(rest.get(`runs/${over}/events`)),
  },
  {
    of: `GET ${REST}/runs/:id/events`,
    what: 'debug events too',
    outcomes: MORE,
    ask: ({ rest }, { over }) => ofAnswer(rest.get(`runs/${over}/events?include_debug=1`)),
  },
  {
    of: `GET ${REST}/runs/:id/events`,
    what: 'all of them',
    outcomes: MORE,
    ask: ({ rest }, { over }) => ofAnswer(rest.get(`runs/${over}/events?include_all=1`)),
  },
  {
    of: `GET ${REST}/runs/:id/events`,
    what: 'as a stream',
    outcomes: READ,
    ask: ({ subscribe }, { over }) => subscribe(`runs/${over}/events`, { accept: 'text/event-stream' }),
  },
  {
    of: `GET ${REST}/runs/:id/events`,
    what: 'as a stream, by a ticket',
    outcomes: BY_TICKET,
    ask: ({ rest }, { over }) => byTicket(rest, over),
  },
  {
    of: `GET ${REST}/runs/:id/events/stream`,
    outcomes: READ,
    ask: ({ subscribe }, { over }) => subscribe(`runs/${over}/events/stream`),
  },
  {
    of: `GET ${REST}/runs/:id/events/stream`,
    what: 'all of them',
    outcomes: MORE,
    ask: ({ subscribe }, { over }) => subscribe(`runs/${over}/events/stream?include_all=1`),
  },
  {
    of: `POST ${REST}/runs/:id/ticket`,
    outcomes: READ,
    ask: ({ rest }, { over }) => ofAnswer(rest.post(`runs/${over}/ticket`)),
  },
  {
    of: `POST ${REST}/runs/:id/ticket`,
    what: 'for debug events too',
    outcomes: MORE,
    ask: ({ rest }, { over }) => ofAnswer(rest.post(`runs/${over}/ticket`, { include_debug: true })),
  },
  {
    of: 'GET /docs',
    outcomes: OPEN,
    ask: async ({ rest }) => ((await rest.send('/docs', {})).status === 302 ? 'ok' : 'not_found'),
  },
  ...['docs', 'docs/assets/:name'].map((path) => ({
    of: `GET ${REST}/${path}`,
    outcomes: OPEN,
    ask: ({ rest }: Asker) =>
      ofResponse(rest.send(path.replace(':name', 'page.js').replace(/docs$/, 'docs/'), {})),
  })),
  ...[`${REST}/openapi.json`, '/openapi.json'].map((path) => ({
    of: `GET ${path}`,
    outcomes: OPEN,
    ask: ({ rest }: Asker) => ofAnswer(rest.get(path)),
  })),
  ...[`${REST}/sessions/anonymous`, '/api/accounts/anonymous-session'].map((path) => ({
    of: `POST ${path}`,
    outcomes: OPEN,
    ask: ({ rest }: Asker) => ofAnswer(rest.post(path)),
  })),
  {
    of: `POST ${REST}/sessions/claim`,
    outcomes: CLAIM,
    ask: ({ rest }) => ofAnswer(rest.post('sessions/claim', { token: 'of nobody' })),
  },
  {
    of: `POST ${REST}/conversations`,
    outcomes: KNOWN,
    ask: ({ rest }) => ofAnswer(rest.post('conversations', {})),
  },
  ...list(`GET ${REST}/conversations`, ({ rest }: Asker, scope, { conversation, externalId }) =>
    listed(rest.get(`conversations?external_id=${externalId}&scope=${scope}`), conversation),
  ),
  ...(['runs', 'conversations'] as const).map((kind) => ({
    of: `DELETE ${REST}/${kind}/:id`,
    writes: true as const,
    outcomes: CHANGE,
    ask: ({ rest }: Asker, { over, conversation }: Things) =>
      ofAnswer(rest.request('DELETE', `${kind}/${kind === 'runs' ? over : conversation}`)),
  })),
  {
    of: `POST ${REST}/conversations/:id/select`,
    outcomes: CHANGE,
    ask: ({ rest }, { conversation, over }) =>
      ofAnswer(rest.post(`conversations/${conversation}/select`, { message_id: `${over}:0` })),
  },
  {
    of: `GET ${REST}/conversations/:id/queue`,
    outcomes: READ,
    ask: ({ rest }, { conversation }) => ofAnswer(rest.get(`conversations/${conversation}/queue`)),
  },
  {
    of: `POST ${REST}/conversations/:id/queue`,
    outcomes: CHANGE,
    async ask({ rest }, { conversation, over }) {
      const answer = await rest.post(`conversations/${conversation}/queue`, { run_id: over, before: over })
      return answer.status === 409 ? 'ok' : ofAnswer(Promise.resolve(answer))
    },
  },
  {
    of: `POST ${REST}/conversations/:id/fork`,
    outcomes: READ,
    ask: ({ rest }, { conversation, over }) =>
      ofAnswer(rest.post(`conversations/${conversation}/fork`, { message_id: `${over}:0` })),
  },
  ...(['PATCH', 'PUT'] as const).map((method) => ({
    of: `${method} ${REST}/conversations/:id`,
    writes: true as const,
    outcomes: CHANGE,
    ask: ({ rest }: Asker, { conversation }: Things) =>
      ofAnswer(rest.request(method, `conversations/${conversation}`, { title: 'Changed' })),
  })),
  {
    of: `GET ${REST}/conversations/:id`,
    outcomes: READ,
    ask: ({ rest }, { conversation }) => ofAnswer(rest.get(`conversations/${conversation}`)),
  },
  {
    of: `POST ${REST}/runs`,
    what: 'with a file',
    outcomes: KNOWN,
    ask: (asker) => ofForm(asker, `${REST}/runs`),
  },
  {
    of: `POST ${REST}/runs`,
    what: 'naming a file',
    outcomes: OWN,
    ask: ({ rest }, { file: file_id }) =>
      ofAnswer(
        rest.post('runs', {
          agent_key: 'quick',
          messages: [{ role: 'user', content: [{ type: 'file', file: { file_id } }] }],
        }),
      ),
  },
  ...[`${REST}/files`, '/trpc/files'].flatMap((path) => [
    { of: `POST ${path}`, outcomes: KNOWN, ask: (asker: Asker) => ofForm(asker, path) },
    {
      of: `GET ${path}/:id`,
      outcomes: READ,
      ask: ({ rest, headers }: Asker, { file }: Things) =>
        ofResponse(rest.send(`${path}/${file}`, { headers })),
    },
  ]),
  ...list(`GET ${REST}/files`, ({ rest }: Asker, scope, { file }) =>
    onAnyPage(file, (cursor) => restPage(rest, `files?limit=200&scope=${scope}`, cursor)),
  ),
  {
    of: `GET ${REST}/memories/:id`,
    outcomes: READ,
    ask: ({ rest }, { memory }) => ofAnswer(rest.get(`memories/${memory}`)),
  },
  ...list(`GET ${REST}/memories`, ({ rest }: Asker, scope, { memory }) =>
    onAnyPage(memory, (cursor) => restPage(rest, `memories?limit=200&scope=${scope}`, cursor)),
  ),
  {
    of: `DELETE ${REST}/memories/:id`,
    writes: true,
    outcomes: CHANGE,
    ask: ({ rest }, { memory }) => ofAnswer(rest.request('DELETE', `memories/${memory}`)),
  },
  {
    of: `POST ${REST}/schedules`,
    outcomes: USERS,
    ask: ({ rest }) => ofAnswer(rest.post('schedules', { agent_key: 'quick', every_seconds: 86_400 })),
  },
  {
    of: `GET ${REST}/schedules/:id`,
    outcomes: ofUsers(READ),
    ask: ({ rest }, { schedule }) => ofAnswer(rest.get(`schedules/${schedule}`)),
  },
  ...list(
    `GET ${REST}/schedules`,
    ({ rest }: Asker, scope, { schedule }) =>
      onAnyPage(schedule, (cursor) => restPage(rest, `schedules?limit=200&scope=${scope}`, cursor)),
    ofUsers,
  ),
  {
    of: `POST ${REST}/schedules/:id/pause`,
    writes: true,
    outcomes: ofUsers(CHANGE),
    ask: ({ rest }, { schedule }) => ofAnswer(rest.post(`schedules/${schedule}/pause`)),
  },
  ...(['resume', 'run'] as const).map((verb) => ({
    of: `POST ${REST}/schedules/:id/${verb}`,
    outcomes: ofUsers(CHANGE),
    ask: ({ rest }: Asker, { schedule }: Things) => ofAnswer(rest.post(`schedules/${schedule}/${verb}`)),
  })),
  {
    of: `DELETE ${REST}/schedules/:id`,
    writes: true,
    outcomes: ofUsers(CHANGE),
    ask: ({ rest }, { schedule }) => ofAnswer(rest.request('DELETE', `schedules/${schedule}`)),
  },
  {
    of: `GET ${REST}/webhooks`,
    outcomes: READ,
    ask: ({ rest }, { over }) => ofAnswer(rest.get(`webhooks?run_id=${over}`)),
  },
  ...list(
    `GET ${REST}/webhooks/deliveries`,
    ({ rest }: Asker, scope, { delivery }) =>
      onAnyPage(delivery, (cursor) => restPage(rest, `webhooks/deliveries?limit=200&scope=${scope}`, cursor)),
    ofUsers,
  ),
  {
    of: `GET ${REST}/webhooks/deliveries/:id`,
    outcomes: ofUsers(READ),
    ask: ({ rest }, { delivery }) => ofAnswer(rest.get(`webhooks/deliveries/${delivery}`)),
  },
  {
    of: `POST ${REST}/webhooks/deliveries/:id/redeliver`,
    outcomes: ofUsers(CHANGE),
    ask: ({ rest }, { delivery }) => ofAnswer(rest.post(`webhooks/deliveries/${delivery}/redeliver`)),
  },
  {
    of: `GET ${REST}/files/:id/info`,
    outcomes: READ,
    ask: ({ rest }, { file }) => ofAnswer(rest.get(`files/${file}/info`)),
  },
  {
    of: `DELETE ${REST}/files/:id`,
    writes: true,
    outcomes: CHANGE,
    ask: ({ rest }, { file }) => ofAnswer(rest.request('DELETE', `files/${file}`)),
  },
  {
    of: `POST ${REST}/conversations/:id/ticket`,
    outcomes: READ,
    ask: ({ rest }, { conversation }) => ofAnswer(rest.post(`conversations/${conversation}/ticket`)),
  },
  {
    of: `POST ${REST}/conversations/:id/ticket`,
    what: 'for debug events too',
    outcomes: MORE,
    ask: ({ rest }, { conversation }) =>
      ofAnswer(rest.post(`conversations/${conversation}/ticket`, { include_debug: true })),
  },
  {
    of: `GET ${REST}/conversations/:id/events`,
    outcomes: READ,
    ask: ({ rest }, { conversation }) => ofAnswer(rest.get(`conversations/${conversation}/events`)),
  },
  {
    of: `GET ${REST}/conversations/:id/events`,
    what: 'debug events too',
    outcomes: MORE,
    ask: ({ rest }, { conversation }) =>
      ofAnswer(rest.get(`conversations/${conversation}/events?include_debug=1`)),
  },
  {
    of: `GET ${REST}/conversations/:id/events`,
    what: 'as a stream',
    outcomes: READ,
    ask: ({ subscribe }, { conversation }) =>
      subscribe(`conversations/${conversation}/events`, { accept: 'text/event-stream' }),
  },
  {
    of: `GET ${REST}/conversations/:id/events/stream`,
    what: 'all of them',
    outcomes: MORE,
    ask: ({ subscribe }, { conversation }) =>
      subscribe(`conversations/${conversation}/events/stream?include_all=1`),
  },
  {
    of: 'GET /trpc/conversations.events',
    outcomes: READ,
    ask: ({ subscribe }, { conversation: conversationId }) =>
      subscribe(`/trpc/conversations.events?${inputOf({ conversationId })}`),
  },
  {
    of: 'GET /trpc/conversations.events',
    what: 'as tRPC itself writes it',
    outcomes: READ,
    ask: ({ subscribe }, { conversation: conversationId }) =>
      subscribe(`/trpc/conversations.events?${inputOf({ conversationId })}`, {
        'trpc-accept': 'text/event-stream',
      }),
  },
  {
    of: 'GET /trpc/runs.events',
    outcomes: READ,
    ask: ({ subscribe }, { over: runId }) => subscribe(`/trpc/runs.events?${inputOf({ runId })}`),
  },
  {
    of: 'GET /trpc/runs.events',
    what: 'all of them',
    outcomes: MORE,
    ask: ({ subscribe }, { over: runId }) =>
      subscribe(`/trpc/runs.events?${inputOf({ runId, includeAll: true })}`),
  },
  {
    of: 'GET /trpc/runs.events',
    what: 'as tRPC itself writes it',
    outcomes: READ,
    ask: ({ subscribe }, { over: runId }) =>
      subscribe(`/trpc/runs.events?${inputOf({ runId })}`, { 'trpc-accept': 'text/event-stream' }),
  },
]

async function restPage(
  rest: Asker['rest'],
  path: string,
  cursor: string | null,
): Promise<[items: { id: string }[], next: string | null]> {
  const { status, body } = await rest.get(cursor === null ? path : `${path}&cursor=${cursor}`)
  if (status !== 200) throw Object.assign(new Error('refused'), { data: body })
  const { results, next } = body as { results: { id: string }[]; next: string | null }
  return [results, next && new URL(next).searchParams.get('cursor')]
}

async function listed(asked: Promise<RestAnswer>, id: string): Promise<void> {
  const { status, body } = await asked
  if (status !== 200) throw Object.assign(new Error('refused'), { data: body })
  has(body['results'] as { id: string }[], id)
}

/** Only the ticket opens it. */
async function byTicket(rest: Asker['rest'], runId: string): Promise<Outcome> {
  const { status, body } = await rest.post(`runs/${runId}/ticket`)
  if (status >= 300) return codeIn(JSON.stringify(body))
  const url = `runs/${runId}/events?ticket=${String(body['ticket'])}`
  return streamed(await (await rest.send(url, { headers: { accept: 'text/event-stream' } })).text())
}

function ofForm({ rest, headers }: Asker, path: string): Promise<Outcome> {
  return ofResponse(rest.send(path, { method: 'POST', ...FORM, headers: { ...FORM.headers, ...headers } }))
}

async function ofResponse(asked: Promise<Response>): Promise<Outcome> {
  const answer = await asked
  return answer.ok ? 'ok' : codeIn(await answer.text())
}

async function ofAnswer(asked: Promise<RestAnswer>): Promise<Outcome> {
  const { status, body } = await asked
  return status < 300 ? 'ok' : codeIn(JSON.stringify(body))
}
