import type { TRPCClient } from '@trpc/client'
import { createTRPCClient } from '@trpc/client'
import type { AgentRouter } from '../server/api/router.ts'
import type { AgentShape, HasAgents, KeyOf, ShapeOf, ShapesOf } from '../server/contract/agent-shape.ts'
import type { ConversationEventOf, CreateRun } from '../server/contract/agent-types.ts'
import type { Message } from '../server/contract/message.ts'
import type { RespondInput } from '../server/contract/run.ts'
import type { SendRequest } from '../server/contract/sent-message.ts'
import type { AgentClient, CreateOptions } from './agent-client.ts'
import { ask } from './ask.ts'
import type { AskOptions } from './ask.ts'
import type { TransportOptions } from './choose-transport.ts'
import { systemClock } from './clock.ts'
import { createConversationHandle } from './conversation-handle.ts'
import { createConversationStore } from './conversation-store.ts'
import type { ConversationStore } from './conversation-store.ts'
import { createFiles } from './files.ts'
import type { FollowConversationOptions } from './follow-conversation.ts'
import { createLateStreams } from './late-streams.ts'
import { below, createLinks, prefixOf } from './links.ts'
import type { ReconnectPolicy } from './reconnect-policy.ts'
import { DEFAULT_RECONNECT_POLICY } from './reconnect-policy.ts'
import type { AnyRunHandle, RunHandleDependencies } from './run-handle.ts'
import { createRunHandle } from './run-handle.ts'
import { createMemories } from './memories.ts'
import { createSchedules } from './schedules.ts'
import { createWebhooks } from './webhooks.ts'
import { createClaim } from './claim.ts'
import type { AnonymousOptions } from './visitor.ts'
import { createVisitor } from './visitor.ts'
import type { Upload } from './with-files.ts'
import { withFiles } from './with-files.ts'
import { createRunStore } from './run-store.ts'
import type { AnyToolHandlers } from './run-tools.ts'
import type { RunStore } from './run-store.ts'
import { createStores } from './stores.ts'
import type { EventSelection } from './transport.ts'

export interface AgentClientOptions extends TransportOptions {
  /** How lost streams are opened again. Default: forever, after 250 ms doubling up to 15 s. */
  reconnect?: Partial<ReconnectPolicy>
  /**
   * For pages that visitors without an account use, where the server has `anonymousSessions`: who is refused with 401, and sends no
   * `authorization` header, gets a session, which the page keeps. Default: none.
   *
   * @example
   * createAgentClient<typeof runtime>({ url: '/trpc', anonymous: true })
   */
  anonymous?: boolean | AnonymousOptions
  /**
   * Names its server in the keys of queries. An app whose pages use several servers names their clients, alike on its own server and in
   * the browser, so that what is read ahead of one is not shown as another's. Default: `''`.
   */
  name?: string
}

/**
 * A client of the agents a runtime serves. Only types are taken from the runtime: import it with
 * `import type`, and none of its code reaches the browser.
 *
 * @example
 * const client = createAgentClient<typeof runtime>({ url: '/trpc' })
 * const run = await client.runs.create({ agentKey: 'chat', messages: [{ role: 'user', content: 'Hi' }] })
 * for await (const event of run.events()) if (event.type === 'assistant.delta') show(event.payload.content)
 * const { response } = await run.result()
 */
// oxlint-disable-next-line max-lines-per-function -- A list of methods.
export function createAgentClient<TRuntime extends HasAgents>(
  options: AgentClientOptions,
): AgentClient<ShapesOf<TRuntime>> {
  type TShape = ShapesOf<TRuntime>
  const { url, headers, anonymous = false } = options
  if (anonymous !== false && options.links !== undefined)
    throw new TypeError('An anonymous visitor needs the links of the client: leave out the option links.')
  const sessions = `${url}/${prefixOf(options.path)}sessions.createAnonymous`
  if (options.transport === 'websocket' && typeof (options.WebSocket ?? globalThis.WebSocket) !== 'function')
    throw new TypeError('There is no WebSocket here: pass one as the option WebSocket.')
  const visitor = anonymous === false ? undefined : createVisitor({ sessions, headers, anonymous })
  const asked = visitor === undefined ? options : { ...options, headers: visitor.headers }
  const links = createLinks(asked, visitor?.admitted)
  const trpc = below(createTRPCClient<AgentRouter>({ links }), options.path)
  const { conversations, runs } = trpc
  const getRun = (runId: string, asking?: AskOptions) => ask(runs.get.query, { runId }, asking)
  const cancelRun = (runId: string, asking?: AskOptions) => ask(runs.cancel.mutate, { runId }, asking)
  const respond = (answer: RespondInput, asking?: AskOptions) => ask(runs.respond.mutate, answer, asking)
  const send = (message: SendRequest, asking?: AskOptions) => ask(runs.send.mutate, message, asking)
  const trying = {
    clock: systemClock,
    policy: { ...DEFAULT_RECONNECT_POLICY, ...options.reconnect },
    random: Math.random,
  }
  const streams = createLateStreams(async () => {
    const { createStreams } = await import('./streams.ts')
    return createStreams(trpc, asked, { ...trying, store: runStore, getRun, respond })
  }, trying)
  const { followRun, followConversation, runTools } = streams
  const dependencies: RunHandleDependencies = { followRun, getRun, cancelRun, respond, send, runTools }
  const keyOf = (id: string, { includeDebug = false, includeAll = false }: EventSelection) =>
    `${id} ${includeDebug} ${includeAll}`
  const runStores = createStores<RunStore<TShape>>()
  const runStore: AgentClient<TShape>['runs']['store'] = (runId, selection = {}) => {
    streams.prepare()
    return runStores.get(keyOf(runId, selection), () =>
      createRunStore<TShape>(runId, {
        clock: systemClock,
        follow: (from) => followRun(runId, { ...selection, ...from }),
      }),
    )
  }
  const conversationStores = createStores<ConversationStore>()
  const conversationStore: AgentClient['conversations']['store'] = (conversationId, selection = {}) => {
    if (conversationId === null)
      return createConversationStore({
        clock: systemClock,
        storeOf: (id) => conversationStore(id, selection),
      })
    streams.prepare()
    return conversationStores.get(keyOf(conversationId, selection), () =>
      createConversationStore({
        clock: systemClock,
        follow: (from) => followConversation(conversationId, { ...selection, ...from }),
      }),
    )
  }

  async function* events(conversationId: string, { after, ...following }: FollowConversationOptions = {}) {
    if (after === 'now') {
      // While the code loads there may be events. They are to come too.
      streams.prepare()
      const asking = { conversationId, limit: 1 }
      after = (await ask(conversations.get.query, asking, following)).cursor
    }
    for await (const heard of followConversation(conversationId, { ...following, ...(after && { after }) }))
      if (heard.type === 'event') yield heard.event
  }

  /** Has pages that show the conversation show what is asked at once. An edit takes another place than the end. */
  function showSending(
    { conversationId, ...place }: CreateRun<AgentShape>,
    messages: readonly Message[],
    { draft, upload }: { draft: ConversationStore | undefined; upload: Upload | undefined },
  ) {
    const isAtEnd =
      place.replaces === undefined &&
      place.regenerates === undefined &&
      place.supersedeFromMessageIndex === undefined
    if (messages.length === 0 || !isAtEnd) return []
    const stores = conversationId
      ? conversationStores.startingWith(`${conversationId} `)
      : [draft ?? []].flat()
    return stores.map((store) => store.send(messages, upload))
  }

  const fetch: typeof globalThis.fetch = asked.fetch ?? ((input, init) => globalThis.fetch(input, init))
  const fetchFile = visitor?.admitted(fetch) ?? fetch
  const { files, uploadAll } = createFiles(trpc, { url, headers: asked.headers, fetch: fetchFile })

  const client: AgentClient<TShape> = {
    name: options.name ?? '',
    runs: {
      async create<const TKey extends KeyOf<TShape>>(
        input: CreateRun<ShapeOf<TShape, TKey>> & { agentKey: TKey },
        { files: blobs = [], draft, ...callOptions }: CreateOptions = {},
      ) {
        // Params of an agent's schema are JSON by contract; to the wire they are no more than that.
        const wire = input as CreateRun<AgentShape>
        const { messages: said = [] } = wire
        let sending: ReturnType<typeof showSending> = []
        const onProgress = (messages: readonly Message[], upload?: Upload) => {
          if (sending.length === 0) sending = showSending(wire, messages, { draft, upload })
          else for (const one of sending) one.changed(messages, upload)
        }
        streams.prepare()
        try {
          const messages = blobs.length
            ? await withFiles(uploadAll, said as readonly Message[], { blobs, onProgress, ...callOptions })
            : (said as Message[])
          onProgress(messages)
          const asked = { ...wire, ...(messages.length && { messages }) }
          const run = await ask(runs.create.mutate, asked, callOptions)
          for (const one of sending) one.taken(run.id, run.sentMessageIds, run.conversationId)
          return createRunHandle(dependencies, run) as AnyRunHandle<ShapeOf<TShape, TKey>>
        } catch (refusal) {
          for (const one of sending) one.refused()
          throw refusal
        }
      },
      get: getRun,
      list: (input = {}, callOptions) => ask(runs.list.query, input, callOptions),
      cancel: cancelRun,
      delete: (runId, callOptions) => ask(runs.delete.mutate, { runId }, callOptions),
      respond: (answer, callOptions) => respond(answer, callOptions),
      send,
      runTools: (runId, tools, toolOptions) => runTools(runId, tools as AnyToolHandlers, toolOptions),
      follow: async (runId, callOptions) =>
        createRunHandle(dependencies, await getRun(runId, callOptions)) as AnyRunHandle<TShape>,
      store: runStore,
    },
    conversations: {
      create: (input = {}, callOptions) => ask(conversations.create.mutate, input, callOptions),
      delete: (conversationId, callOptions) =>
        ask(conversations.delete.mutate, { conversationId }, callOptions),
      update: (input, callOptions) => ask(conversations.update.mutate, input, callOptions),
      get: (input, callOptions) => ask(conversations.get.query, input, callOptions),
      queue: (conversationId, callOptions) => ask(conversations.queue.query, { conversationId }, callOptions),
      move: (input, callOptions) => ask(conversations.move.mutate, input, callOptions),
      select: (input, callOptions) => ask(conversations.select.mutate, input, callOptions),
      fork: (input, callOptions) => ask(conversations.fork.mutate, input, callOptions),
      list: (input = {}, callOptions) => ask(conversations.list.query, input, callOptions),
      of: (conversationId) => createConversationHandle(client, conversationId),
      store: conversationStore,
      // As with runs, an event's type is taken on trust: the server checked the payload against its schema.
      events: (conversationId, followOptions) =>
        events(conversationId, followOptions) as AsyncIterable<unknown> as AsyncIterable<
          ConversationEventOf<TShape>
        >,
    },
    agents: {
      list: (callOptions) => ask(trpc.agents.list.query, undefined, callOptions),
    },
    files,
    schedules: createSchedules<TShape>(trpc, dependencies),
    memories: createMemories(trpc),
    webhooks: createWebhooks(trpc),
    sessions: {
      get hasVisitor() {
        return visitor?.token !== undefined
      },
      claim: createClaim(trpc, visitor, () => {
        for (const stores of [runStores, conversationStores]) stores.followFailed()
      }),
    },
    renew: () => createAgentClient<TRuntime>(options),
    close() {
      runStores.close()
      conversationStores.close()
    },
    // The same client: only its types know the agents.
    trpc: trpc as unknown as TRPCClient<AgentRouter<TShape>>,
  }
  return client
}
