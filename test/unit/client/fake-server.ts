// The real HTTP server over fake use cases that a test drives, without a database.
import { createRefusalPace } from '../../../server/api/refusal-pace.ts'
import { createHandler } from '../../../server/api/handler.ts'
import { createSeats } from '../../../server/api/seats.ts'
import { createRouter } from '../../../server/api/router.ts'
import { AgentRuntimeError } from '../../../server/contract/agent-runtime-error.ts'
import { CreateConversationInput, ListConversationsInput } from '../../../server/contract/conversation.ts'
import type { Conversation } from '../../../server/contract/conversation.ts'
import type { AnyRunEvent } from '../../../server/contract/event.ts'
import type { Message, StoredMessage } from '../../../server/contract/message.ts'
import { CreateRunInput } from '../../../server/contract/create-run.ts'
import type { RunDetail } from '../../../server/contract/run.ts'
import { isTerminal, isTerminalEvent } from '../../../server/contract/terminal.ts'
import type { PendingWait } from '../../../server/contract/wait.ts'
import type { Conversations } from '../../../server/domain/conversations.ts'
import type { Runs } from '../../../server/domain/runs.ts'
import type { Sessions } from '../../../server/domain/sessions.ts'
import type { EventStream } from '../../../server/events/event-stream.ts'
import { createEventHub } from '../../../server/events/hub.ts'
import { visibleTo } from '../../../server/events/visibility.ts'
import { noTracer } from '../../../server/ports/no-tracer.ts'
import type { EventStore } from '../../../server/ports/store/event-store.ts'
import { FakeBus } from '../../support/fake-bus.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { runEvent, runRecord } from './fake-transport.ts'

export interface FakeServer {
  readonly fetch: typeof globalThis.fetch
  readonly requests: Request[]
  /** How many streams have readers now. */
  readonly readers: number
  /** While it is set, the server refuses all requests with this error. */
  refusal: AgentRuntimeError | null
  /** Adds an event to a run, with the next `seq`. */
  emit(runId: string, event: Omit<Partial<AnyRunEvent>, 'seq'>): void
  /** Ends a run successfully, with an event that its readers may not see. */
  succeed(runId: string, output: RunDetail['output'], answer: string): void
  /** Ends every open stream, like a lost connection. */
  cut(): void
}

interface StoredRun extends RunDetail {
  events: AnyRunEvent[]
  answer: StoredMessage[]
}

export function fakeServer(): FakeServer {
  const runs = new Map<string, StoredRun>()
  const conversations: Conversation[] = []
  const requests: Request[] = []
  const streams: EventStream[] = []
  let lost = new AbortController()
  let created = 0

  const nextId = () => {
    created += 1
    return `019aa000-0000-7000-8000-${String(created).padStart(12, '0')}`
  }
  const find = (runId: string): StoredRun => {
    const run = runs.get(runId)
    if (run === undefined) throw new AgentRuntimeError('not_found', `There is no run ${runId}.`)
    return run
  }

  const bus = new FakeBus()
  const readEvents: EventStore['readEvents'] = async (runId, afterSeq, limit) =>
    find(runId)
      .events.filter(({ seq }) => seq > afterSeq)
      .slice(0, limit)
  const hub = createEventHub({
    store: { readEvents, readNewEvents: readEvents },
    bus,
    clock: new ManualClock(),
    pollIntervalMs: 1_000,
  })

  const runsFace: Pick<Runs, 'create' | 'get' | 'list' | 'cancel' | 'respond' | 'send' | 'follow'> = {
    async create(_principal, input) {
      const { agentKey, messages, conversationId = null } = CreateRunInput.parse(input)
      if (agentKey === 'nobody') throw new AgentRuntimeError('unknown_agent', 'There is no agent "nobody".')
      const id = nextId()
      const run = {
        ...runRecord({ id, agentKey, conversationId, messages: stored(id, messages) }),
        events: [],
        answer: [],
      }
      runs.set(run.id, run)
      return { run, created: true, alreadySaid: 0, sentMessageIds: [] }
    },
    get: async (_principal, runId) => find(runId),
    list: async () => ({
      items: [...runs.values()],
      nextCursor: null,
      previousCursor: null,
      count: runs.size,
    }),
    async cancel(_principal, runId) {
      const run = find(runId)
      if (isTerminal(run.status)) throw new AgentRuntimeError('conflict', 'The run has already ended.')
      emit(runId, { type: 'run.cancelled', payload: {} })
      return run
    },
    async respond(_principal, { runId, wait }) {
      const run = find(runId)
      if (run.status !== 'waiting') throw new AgentRuntimeError('conflict', `The wait for "${wait}" is over.`)
      run.status = 'queued'
      return run
    },
    async send(_principal, { runId }) {
      const run = find(runId)
      if (isTerminal(run.status)) throw new AgentRuntimeError('conflict', 'The run is over.')
      return { messageId: nextId(), run }
    },
    follow: async (_principal, { runId, afterSeq = 0, signal = new AbortController().signal }) => {
      const run = find(runId)
      const stream = hub.follow({
        runId,
        afterSeq,
        signal,
        visibilities: visibleTo({ includeDebug: false, includeAll: false }, false),
        lastSeq: run.lastSeq,
        isOver: isTerminal(run.status),
      })
      streams.push(stream)
      return { run, batches: stream, confirm: async () => {} }
    },
  }
  const conversationsFace: Omit<Conversations, 'listEvents' | 'ticket'> = {
    // The only events of a conversation here are those of its runs.
    follow: async (_principal, { signal }) => ({
      cursor: '',
      batches: quiet(signal),
      confirm: async () => {},
    }),
    create: async (principal, input) => (await conversationsFace.createOrGet(principal, input)).conversation,
    async createOrGet(_principal, input) {
      const {
        agentKey = null,
        externalId = null,
        title = null,
        metadata,
      } = CreateConversationInput.parse(input)
      const known = conversations.find((one) => externalId !== null && one.externalId === externalId)
      if (known !== undefined) return { conversation: known, created: false }
      const now = '2026-01-01T00:00:00.000Z'
      const owner = { id: 'ada', tenantId: '', kind: 'user' } as const
      const times = { createdAt: now, updatedAt: now, archivedAt: null }
      const conversation = { id: nextId(), owner, agentKey, externalId, title, metadata, ...times }
      conversations.unshift(conversation)
      return { conversation, created: true }
    },
    async delete(_principal, conversationId) {
      const index = conversations.findIndex(({ id }) => id === conversationId)
      conversations.splice(index, 1)
    },
    async update(_principal, { conversationId, title }) {
      const conversation = conversations.find(({ id }) => id === conversationId)
      if (conversation === undefined)
        throw new AgentRuntimeError('not_found', 'There is no such conversation.')
      return Object.assign(conversation, { title })
    },
    async select(_principal, { conversationId }) {
      const conversation = conversations.find(({ id }) => id === conversationId)
      if (conversation === undefined)
        throw new AgentRuntimeError('not_found', 'There is no such conversation.')
      return conversation
    },
    async fork(principal, { title }) {
      return this.create(principal, { ...(title && { title }) })
    },
    queue: async () => [],
    move: async () => [],
    async get(_principal, { conversationId }) {
      const conversation = conversations.find(({ id }) => id === conversationId)
      if (conversation === undefined)
        throw new AgentRuntimeError('not_found', 'There is no such conversation.')
      const messages = [...runs.values()]
        .flatMap((run) => (run.conversationId === conversationId ? [...run.messages, ...run.answer] : []))
        .map((message, index, all) => ({ ...message, parentId: all[index - 1]?.id ?? null }))
      return { ...conversation, messages, totalMessages: messages.length, hasMore: false, cursor: '' }
    },
    async list(_principal, input) {
      const { limit, cursor = '0' } = ListConversationsInput.parse(input)
      const end = Number(cursor) + limit
      const nextCursor = end < conversations.length ? String(end) : null
      const items = conversations.slice(Number(cursor), end)
      return { items, nextCursor, previousCursor: null, count: conversations.length }
    },
  }

  function emit(runId: string, event: Omit<Partial<AnyRunEvent>, 'seq'>) {
    const run = find(runId)
    const type = event.type ?? 'custom'
    run.events.push(runEvent(run.events.length + 1, { runId, ...event }))
    run.attempt = event.attempt ?? 1
    run.lastSeq = run.events.length
    run.waits = type === 'run.waiting' ? [event.payload as unknown as PendingWait] : []
    const tellsStatus = isTerminalEvent(type) || type === 'run.waiting'
    run.status = tellsStatus ? (type.slice('run.'.length) as RunDetail['status']) : 'running'
    bus.publish([{ kind: 'events', runId, seq: run.lastSeq }])
  }

  const sessionsFace: Sessions = {
    async create() {
      return { token: `token ${nextId()}`, expiresAt: '2026-02-01T00:00:00.000Z' }
    },
    find: async () => null,
    claim: async () => ({ conversations: 0, runs: 0 }),
  }

  const log = { debug() {}, info() {}, warn() {}, error() {} }
  const notHere = () =>
    Promise.reject(new Error('There are no files, schedules and memories on this server.'))
  const services = {
    // Only REST lists events, and this server has no REST.
    runs: runsFace as Runs,
    agents: { list: async () => [] },
    listModels: () => [],
    conversations: conversationsFace as Conversations,
    files: { upload: notHere, get: notHere, open: notHere, list: notHere, delete: notHere, discard: notHere },
    schedules: {
      ...{ create: notHere, get: notHere, list: notHere, pause: notHere, resume: notHere },
      ...{ runNow: notHere, delete: notHere },
    },
    memories: { get: notHere, list: notHere, delete: notHere },
    webhooks: { list: notHere, deliveries: notHere, delivery: notHere, redeliver: notHere },
    sessions: sessionsFace,
    tickets: {
      open() {
        throw new AgentRuntimeError('unauthorized', 'There are no tickets.')
      },
    },
    log,
    stopping: new AbortController().signal,
    restLists: 'envelope' as const,
    streamKeepAliveMs: 10_000,
  }
  const handler = createHandler({
    services,
    router: createRouter(services),
    identify: async () => ({ id: 'visitor', tenantId: '', kind: 'user' }),
    tracer: noTracer,
    readHealth: async () => ({ bus: 'listening', queue: 'ok', eventLoopLagMs: 0 }),
    maxBodyBytes: 100_000,
    forms: { maxFiles: 0, maxFieldBytes: 0, maxBytes: 0, idleMs: 1_000, seats: createSeats(0, 'files'), log },
    restPath: '/api/agents',
    trpcPath: '/trpc',
    sessionPath: undefined,
    allowedOrigins: [],
    pace: createRefusalPace(false, new AbortController().signal),
    networkOf: () => undefined,
    streamsPerPrincipal: Infinity,
    readers: { reauthenticateMs: 60_000, maxAgeMs: 3_600_000 },
  })

  const server: FakeServer = {
    requests,
    refusal: null,
    emit,
    get readers() {
      return streams.filter((stream) => !stream.isOver).length
    },
    async fetch(input, init) {
      const request = new Request(input, init)
      requests.push(request.clone())
      if (server.refusal !== null) {
        const { error, code } = server.refusal.toBody()
        const data = { code, httpStatus: server.refusal.status, error: { error, code } }
        return Response.json(
          { error: { message: error, code: -32000, data } },
          { status: server.refusal.status },
        )
      }
      const response = await handler(
        new Request(request, { signal: AbortSignal.any([request.signal, lost.signal]) }),
      )
      return response.headers.get('content-type')?.startsWith('text/event-stream')
        ? cuttable(response)
        : response
    },
    succeed(runId, output, answer) {
      const run = find(runId)
      run.output = output
      run.answer = stored(runId, [{ role: 'assistant', content: answer }], 'answer')
      emit(runId, { type: 'run.succeeded', visibility: 'internal', payload: { output } })
    },
    cut() {
      lost.abort(new TypeError('The network is gone.'))
      lost = new AbortController()
    },
  }

  function cuttable(response: Response): Response {
    const { signal } = lost
    const through = new TransformStream<Uint8Array, Uint8Array>({
      start: (controller) =>
        signal.addEventListener('abort', () => controller.error(signal.reason), { once: true }),
    })
    // The reader gets the error, so the pipe's own rejection is ignored.
    void response.body?.pipeTo(through.writable).catch(() => {})
    return new Response(through.readable, response)
  }
  return server
}

function stored(runId: string, messages: readonly Message[], prefix = 'input'): StoredMessage[] {
  return messages.map((message, index) => ({
    ...message,
    id: `${runId}:${prefix}-${index}`,
    runId,
    createdAt: '2026-01-01T00:00:00.000Z',
  }))
}

/** A stream that stays silent until it is closed. */
function quiet(signal?: AbortSignal): EventStream {
  const over = Promise.withResolvers<{ done: true; value: undefined }>()
  let isOver = false
  const close = () => {
    isOver = true
    over.resolve({ done: true, value: undefined })
  }
  signal?.addEventListener('abort', close)
  return {
    get isOver() {
      return isOver
    },
    isRunning: false,
    hasReachedEnd: false,
    consume() {},
    take: () => undefined,
    peek: async () => (await over.promise, undefined),
    close,
    fail: close,
    next: () => over.promise,
    async return() {
      close()
      return { done: true, value: undefined }
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
