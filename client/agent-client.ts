// It is long, since all that a client can be asked stands here, once.
import type { TRPCClient } from '@trpc/client'
import type { z } from 'zod'
import type { AgentRouter } from '../server/api/router.ts'
import type { AgentInfo } from '../server/contract/agent.ts'
import type { AgentShape, KeyOf, ShapeOf } from '../server/contract/agent-shape.ts'
import type {
  ConversationEventOf,
  CreateRun,
  CreateSchedule,
  OfAgent,
} from '../server/contract/agent-types.ts'
import type { Respond, ToolHandlers } from '../server/contract/wait-types.ts'
import type {
  Conversation,
  ConversationDetail,
  CreateConversationInput,
  GetConversationInput,
  ForkConversationRequest,
  ListConversationsInput,
  SelectMessageInput,
  UpdateConversationRequest,
} from '../server/contract/conversation.ts'
import type { ListFilesRequest, StoredFile } from '../server/contract/file.ts'
import type {
  ListDeliveriesRequest,
  StoredWebhook,
  WebhookDelivery,
  WebhookDeliveryDetail,
} from '../server/contract/webhook-delivery.ts'
import type { Page } from '../server/contract/page.ts'
import type { ListMemoriesRequest, StoredMemory } from '../server/contract/memory.ts'
import type { ListSchedulesRequest, StoredSchedule } from '../server/contract/schedule.ts'
import type { MoveTurn, QueuedTurn } from '../server/contract/queued-turn.ts'
import type { Claimed } from '../server/contract/session.ts'
import type { ListRunsInput, Run, RunDetail } from '../server/contract/run.ts'
import type { SendRequest, SentMessage } from '../server/contract/sent-message.ts'
import type { ConversationHandle } from './conversation-handle.ts'
import type { ConversationStore } from './conversation-store.ts'
import type { FollowConversationOptions } from './follow-conversation.ts'
import type { AnyRunHandle } from './run-handle.ts'
import type { RunStore } from './run-store.ts'
import type { RunToolsOptions } from './run-tools.ts'
import type { EventSelection } from './transport.ts'

/** An agent as it is told to whoever chooses one: what it does, and the JSON Schema of its params. */
export interface AgentListing<TKey extends string = string> extends AgentInfo {
  key: TKey
}

export interface CallOptions {
  signal?: AbortSignal
}

export interface CreateOptions extends CallOptions {
  /**
   * Uploaded one after the other before anything is asked, and sent with the last message. Where one can't be uploaded, or `signal` aborts
   * before, nothing is asked and no file stays; `details.file` of the error names it. Default: none.
   */
  files?: readonly Blob[]
}

export interface UploadOptions extends CallOptions {
  /** Default: the name of a `File`. */
  name?: string
}

/** Every method rejects with `AgentRuntimeError`, or with the signal's reason when that aborts. */
export interface AgentClient<TShape extends AgentShape = AgentShape> {
  /** Of its options: see there. */
  readonly name: string
  readonly runs: {
    /** Creates a run and hands back a handle on it, typed by its agent. */
    create<const TKey extends KeyOf<TShape>>(
      input: CreateRun<ShapeOf<TShape, TKey>> & { agentKey: TKey },
      options?: CreateOptions,
    ): Promise<AnyRunHandle<ShapeOf<TShape, TKey>>>
    get(runId: string, options?: CallOptions): Promise<RunDetail>
    list(
      input?: OfAgent<z.input<typeof ListRunsInput>, KeyOf<TShape>>,
      options?: CallOptions,
    ): Promise<Page<Run>>
    cancel(runId: string, options?: CallOptions): Promise<Run>
    /** Deletes a run that is over. */
    delete(runId: string, options?: CallOptions): Promise<void>
    /** Answers what a run waits for: of agents that declare their waits, these names with these answers. */
    respond(answer: Respond<TShape>, options?: CallOptions): Promise<Run>
    /** As `send` of a handle: says something to a run that is under way. */
    send(message: SendRequest, options?: CallOptions): Promise<SentMessage>
    /** As `runTools` of a handle: runs the tools of a run's agent that are for pages to run, until the run is over. */
    runTools(runId: string, tools: ToolHandlers<TShape>, options?: RunToolsOptions): Promise<void>
    /** A handle on a run that exists; a union over agents, narrowed by `agentKey`. */
    follow(runId: string, options?: CallOptions): Promise<AnyRunHandle<TShape>>
    /** The run's state for views: one store, and one connection, however many look at it. */
    store(runId: string, selection?: EventSelection): RunStore<TShape>
  }
  readonly conversations: {
    create(
      input?: OfAgent<z.input<typeof CreateConversationInput>, KeyOf<TShape>>,
      options?: CallOptions,
    ): Promise<Conversation>
    /** Deletes it with all its runs. */
    delete(conversationId: string, options?: CallOptions): Promise<void>
    /** Changes what is given of it. */
    update(
      input: OfAgent<UpdateConversationRequest, KeyOf<TShape> | null>,
      options?: CallOptions,
    ): Promise<Conversation>
    get(input: z.input<typeof GetConversationInput>, options?: CallOptions): Promise<ConversationDetail>
    /** Chooses the way that has this message: a sibling of one on the chosen way, or what followed it. */
    select(input: SelectMessageInput, options?: CallOptions): Promise<Conversation>
    /** Makes a conversation that begins with a copy of all up to this message. */
    fork(input: ForkConversationRequest, options?: CallOptions): Promise<Conversation>
    list(
      input?: OfAgent<z.input<typeof ListConversationsInput>, KeyOf<TShape>>,
      options?: CallOptions,
    ): Promise<Page<Conversation>>
    /** The runs that wait for their turn, the next one first. To drop one, cancel it. */
    queue(conversationId: string, options?: CallOptions): Promise<QueuedTurn[]>
    /**
     * Has one of them come right before, or right after, another one. Rejects with `conflict` where either has begun by then.
     *
     * @example
     * const [first, second] = await client.conversations.queue(conversationId)
     * await client.conversations.move({ conversationId, runId: second.runId, before: first.runId })
     */
    move(input: MoveTurn, options?: CallOptions): Promise<QueuedTurn[]>
    /**
     * Events of all its runs, each once and in order, from the first or after a `cursor`: of those that are there and those to come,
     * whoever asks. Each run begins with `run.created`. Lost connections are resumed. It has no end: leave the loop, or abort
     * `signal`.
     *
     * @throws AgentRuntimeError when another try can't help (`not_found` once the conversation is deleted, `unauthorized`, …).
     * @example
     * const { messages, cursor } = await client.conversations.get({ conversationId })
     * for await (const event of client.conversations.events(conversationId, { after: cursor })) show(event)
     */
    events(
      conversationId: string,
      options?: FollowConversationOptions,
    ): AsyncIterable<ConversationEventOf<TShape>>
    /**
     * A handle on one.
     *
     * @example
     * const chat = client.conversations.of(conversationId)
     * const run = await chat.send('And in Porto?', { agentKey: 'weather' })
     * console.log(await run.text(), await chat.messages())
     */
    of(conversationId: string): ConversationHandle<TShape>
    /** What goes on in it, for views: one store, and one connection, however many look at it. */
    store(conversationId: string, selection?: EventSelection): ConversationStore
  }
  /** Those that the caller may see. */
  readonly agents: {
    list(options?: CallOptions): Promise<AgentListing<KeyOf<TShape>>[]>
  }
  readonly files: {
    /**
     * Keeps a file. It is deleted after a day (`unusedFileHours`) unless a message names it, by its id as the part
     * `{ type: 'file', fileId }`.
     *
     * @example
     * const file = input.files?.[0]
     * if (file === undefined) return
     * const { id } = await client.files.upload(file)
     * const content = [{ type: 'text' as const, text: 'What is this?' }, { type: 'file' as const, fileId: id }]
     * await client.runs.create({ agentKey: 'chat', messages: [{ role: 'user', content }] })
     */
    upload(file: Blob, options?: UploadOptions): Promise<StoredFile>
    /** Where it is, for pages whose readers are known by a cookie: no header goes along with an `<img>`. */
    url(fileId: string): string
    /** What is in it. */
    download(fileId: string, options?: CallOptions): Promise<Blob>
    get(fileId: string, options?: CallOptions): Promise<StoredFile>
    list(input?: ListFilesRequest, options?: CallOptions): Promise<Page<StoredFile>>
    delete(fileId: string, options?: CallOptions): Promise<void>
  }
  /** Runs that recur. Those that agents' authors wrote are not among them. */
  readonly schedules: {
    /**
     * Has a run of the agent created at each occurrence.
     *
     * @example
     * await client.schedules.create({ agentKey: 'digest', cron: '0 8 * * 1-5', timeZone: 'Europe/Lisbon', params: { topic: 'news' } })
     */
    create<const TKey extends KeyOf<TShape>>(
      input: CreateSchedule<ShapeOf<TShape, TKey>> & { agentKey: TKey },
      options?: CallOptions,
    ): Promise<StoredSchedule>
    get(scheduleId: string, options?: CallOptions): Promise<StoredSchedule>
    list(
      input?: OfAgent<ListSchedulesRequest, KeyOf<TShape>>,
      options?: CallOptions,
    ): Promise<Page<StoredSchedule>>
    pause(scheduleId: string, options?: CallOptions): Promise<StoredSchedule>
    /** It goes on with its next occurrence. */
    resume(scheduleId: string, options?: CallOptions): Promise<StoredSchedule>
    /** Creates a run of it now. */
    runNow(scheduleId: string, options?: CallOptions): Promise<AnyRunHandle<TShape>>
    /** Its runs stay. */
    delete(scheduleId: string, options?: CallOptions): Promise<void>
  }
  /** What agents remember of the caller (`ctx.memory`). */
  readonly memories: {
    get(memoryId: string, options?: CallOptions): Promise<StoredMemory>
    /**
     * Newest first.
     *
     * @example
     * const { items } = await client.memories.list({ namespace: 'notes', search: 'lisbon' })
     */
    list(input?: ListMemoriesRequest, options?: CallOptions): Promise<Page<StoredMemory>>
    delete(memoryId: string, options?: CallOptions): Promise<void>
  }
  /**
   * The webhooks that the caller gave with runs and conversations, and their deliveries.
   *
   * @example
   * const webhooks = [{ url: 'https://hooks.example.com/runs', secret }]
   * const run = await client.runs.create({ agentKey: 'chat', messages, webhooks })
   * const { items } = await client.webhooks.deliveries({ runId: run.id, status: 'failed' })
   */
  readonly webhooks: {
    /** Of a run, or of a conversation. No answer has their secrets. */
    list(
      input: { runId: string; conversationId?: undefined } | { conversationId: string; runId?: undefined },
      options?: CallOptions,
    ): Promise<StoredWebhook[]>
    /** Newest first. */
    deliveries(input?: ListDeliveriesRequest, options?: CallOptions): Promise<Page<WebhookDelivery>>
    /** With what became of each attempt. */
    delivery(deliveryId: string, options?: CallOptions): Promise<WebhookDeliveryDetail>
    /** Sends it once more, by the same `webhook-id`. */
    redeliver(deliveryId: string, options?: CallOptions): Promise<WebhookDelivery>
  }
  readonly sessions: {
    /** Whether the page has a visitor, whose session can be claimed. */
    readonly hasVisitor: boolean
    /**
     * Makes what this page's visitor has the user's who has signed in, and forgets the visitor. Call it after each sign-in.
     *
     * @returns null where there is nothing to claim: no visitor was here, or it is done.
     */
    claim(options?: CallOptions): Promise<Claimed | null>
  }
  /**
   * A client with the same options that has read nothing, over connections of its own: for a page whose user changes. `AgentProvider` does
   * it by its `identity`.
   */
  renew(): AgentClient<TShape>
  /** Ends the streams of its stores, and forgets what they read. */
  close(): void
  /** The tRPC client underneath, for what is not covered here. */
  readonly trpc: TRPCClient<AgentRouter<TShape>>
}
