// This file is long because it lists every method of a client, each once.
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

/** What somebody who chooses an agent needs to know: what the agent does, and the JSON Schema of its params. */
export interface AgentListing<TKey extends string = string> extends AgentInfo {
  key: TKey
}

export interface CallOptions {
  signal?: AbortSignal
}

export interface CreateOptions extends CallOptions {
  /**
   * Files to send with the last message. They are uploaded one after the other, and then the request is sent. If an upload fails, or
   * `signal` aborts before the request, nothing is asked and no file stays. `details.file` of the error names the file. Default: none.
   */
  files?: readonly Blob[]
  /**
   * Shows what is asked in a conversation that does not exist yet, and the progress of its files. When the run is there, the store of its
   * conversation shows it too. Ignored if the input has a `conversationId`. Default: nothing shows it.
   *
   * @example
   * const draft = client.conversations.store(null)
   * const { run } = await client.runs.create({ agentKey: 'chat', conversation: 'new', messages }, { draft })
   */
  draft?: ConversationStore
}

export interface UploadOptions extends CallOptions {
  /** Default: the name of a `File`. */
  name?: string
}

/** Every method rejects with `AgentRuntimeError`, or with the signal's reason when that aborts. */
export interface AgentClient<TShape extends AgentShape = AgentShape> {
  /** The `name` of its options. */
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
    /** Sends a message to a run that is under way, like `send` of a handle. */
    send(message: SendRequest, options?: CallOptions): Promise<SentMessage>
    /** Runs the client tools of a run's agent until the run is over, like `runTools` of a handle. */
    runTools(runId: string, tools: ToolHandlers<TShape>, options?: RunToolsOptions): Promise<void>
    /** A handle on a run that exists; a union over agents, narrowed by `agentKey`. */
    follow(runId: string, options?: CallOptions): Promise<AnyRunHandle<TShape>>
    /** The run's state for views. All views of a run share one store and one connection. */
    store(runId: string, selection?: EventSelection): RunStore<TShape>
  }
  readonly conversations: {
    create(
      input?: OfAgent<z.input<typeof CreateConversationInput>, KeyOf<TShape>>,
      options?: CallOptions,
    ): Promise<Conversation>
    /** Deletes a conversation with all its runs. */
    delete(conversationId: string, options?: CallOptions): Promise<void>
    /** Changes the fields that are given. */
    update(
      input: OfAgent<UpdateConversationRequest, KeyOf<TShape> | null>,
      options?: CallOptions,
    ): Promise<Conversation>
    get(input: z.input<typeof GetConversationInput>, options?: CallOptions): Promise<ConversationDetail>
    /** Continues from the branch that has this message. */
    select(input: SelectMessageInput, options?: CallOptions): Promise<Conversation>
    /** Creates a conversation that begins with a copy of the messages up to this one. */
    fork(input: ForkConversationRequest, options?: CallOptions): Promise<Conversation>
    list(
      input?: OfAgent<z.input<typeof ListConversationsInput>, KeyOf<TShape>>,
      options?: CallOptions,
    ): Promise<Page<Conversation>>
    /** The runs that wait for their turn, the next one first. To drop one, cancel it. */
    queue(conversationId: string, options?: CallOptions): Promise<QueuedTurn[]>
    /**
     * Moves one of them right before or right after another one. Rejects with `conflict` if either has begun by then.
     *
     * @example
     * const [first, second] = await client.conversations.queue(conversationId)
     * await client.conversations.move({ conversationId, runId: second.runId, before: first.runId })
     */
    move(input: MoveTurn, options?: CallOptions): Promise<QueuedTurn[]>
    /**
     * Events of all its runs, whoever starts them, now and later. Each event comes once and in order, from the first or after a
     * `cursor`. Each run begins with `run.created`. Lost connections are resumed. The events never end: leave the loop, or
     * abort `signal`.
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
     * Returns a handle on a conversation.
     *
     * @example
     * const chat = client.conversations.of(conversationId)
     * const run = await chat.send('And in Porto?', { agentKey: 'weather' })
     * console.log(await run.text(), await chat.messages())
     */
    of(conversationId: string): ConversationHandle<TShape>
    /**
     * The conversation's live state for views. All views of a conversation share one store and one connection. Null makes a store that
     * stands in until there is a conversation: the `draft` of `runs.create`.
     */
    store(conversationId: string | null, selection?: EventSelection): ConversationStore
  }
  /** The agents that the caller may see. */
  readonly agents: {
    list(options?: CallOptions): Promise<AgentListing<KeyOf<TShape>>[]>
  }
  readonly files: {
    /**
     * Uploads a file. It is deleted after a day (`unusedFileHours`) unless a message names it in a part
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
    /** The file's address. It works on pages that authenticate by a cookie, since an `<img>` sends no headers of yours. */
    url(fileId: string): string
    /** The file's content. */
    download(fileId: string, options?: CallOptions): Promise<Blob>
    get(fileId: string, options?: CallOptions): Promise<StoredFile>
    list(input?: ListFilesRequest, options?: CallOptions): Promise<Page<StoredFile>>
    delete(fileId: string, options?: CallOptions): Promise<void>
  }
  /** Runs that recur. Schedules in the definitions of agents are not among them. */
  readonly schedules: {
    /**
     * Creates a schedule. A run of the agent is created at each of its occurrences.
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
    /** Continues a paused schedule with its next occurrence. */
    resume(scheduleId: string, options?: CallOptions): Promise<StoredSchedule>
    /** Creates a run of the schedule now. */
    runNow(scheduleId: string, options?: CallOptions): Promise<AnyRunHandle<TShape>>
    /** Deletes a schedule. Its runs stay. */
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
    /** The webhooks of a run or of a conversation. No answer contains their secrets. */
    list(
      input: { runId: string; conversationId?: undefined } | { conversationId: string; runId?: undefined },
      options?: CallOptions,
    ): Promise<StoredWebhook[]>
    /** Newest first. */
    deliveries(input?: ListDeliveriesRequest, options?: CallOptions): Promise<Page<WebhookDelivery>>
    /** A delivery with the outcome of each attempt. */
    delivery(deliveryId: string, options?: CallOptions): Promise<WebhookDeliveryDetail>
    /** Sends a delivery once more, with the same `webhook-id`. */
    redeliver(deliveryId: string, options?: CallOptions): Promise<WebhookDelivery>
  }
  readonly sessions: {
    /** Whether the page has a visitor, whose session can be claimed. */
    readonly hasVisitor: boolean
    /**
     * Gives what this page's visitor has to the user who has signed in, and forgets the visitor. Call it after each sign-in.
     *
     * @returns null if there is nothing to claim: there was no visitor, or the session was claimed before.
     */
    claim(options?: CallOptions): Promise<Claimed | null>
  }
  /**
   * Returns a client with the same options that has read nothing and has connections of its own. Use it when the user of a page changes.
   * `AgentProvider` does so when its `identity` changes.
   */
  renew(): AgentClient<TShape>
  /** Ends the streams of its stores, and forgets what they read. */
  close(): void
  /** The tRPC client underneath, for procedures that have no method here. */
  readonly trpc: TRPCClient<AgentRouter<TShape>>
}
