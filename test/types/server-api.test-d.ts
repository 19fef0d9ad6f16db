// Everything in the signatures of `runtime.runs` and `runtime.conversations` has an exported name.
import { describe, expectTypeOf, it } from 'vitest'
import type {
  AgentRuntime,
  AnyRunEvent,
  Conversation,
  ConversationDetail,
  ConversationChoice,
  ConversationPolicy,
  CreateConversationRequest,
  CreateRunRequest,
  EventBatch,
  EventFilter,
  EventPage,
  EventsOptions,
  EventsPageOptions,
  EventStream,
  Following,
  FollowOptions,
  GetConversationRequest,
  Json,
  JsonObject,
  ListConversationsRequest,
  ListRunsRequest,
  HistoryMessage,
  Message,
  Occurrence,
  Page,
  PendingWait,
  Principal,
  RespondRequest,
  Run,
  RunDetail,
  RunError,
  RunStatus,
  StoredMessage,
  WaitKind,
} from '../../server/index.ts'

type Runs = AgentRuntime['runs']
type Conversations = AgentRuntime['conversations']

describe('runtime.runs', () => {
  it('takes and gives types with names', () => {
    expectTypeOf<Runs['create']>().parameters.toEqualTypeOf<
      [Principal, CreateRunRequest, (Occurrence | undefined)?]
    >()
    expectTypeOf<Runs['create']>().returns.resolves.toEqualTypeOf<{
      run: Run
      created: boolean
      alreadySaid: number
      sentMessageIds: string[]
    }>()
    expectTypeOf<Runs['get']>().toEqualTypeOf<(principal: Principal, runId: string) => Promise<RunDetail>>()
    expectTypeOf<Runs['list']>().parameters.toEqualTypeOf<[Principal, ListRunsRequest]>()
    expectTypeOf<Runs['list']>().returns.resolves.toEqualTypeOf<Page<Run>>()
    expectTypeOf<Runs['cancel']>().toEqualTypeOf<(principal: Principal, runId: string) => Promise<Run>>()
    expectTypeOf<Runs['respond']>().parameters.toEqualTypeOf<[Principal, RespondRequest]>()
    expectTypeOf<Runs['listEvents']>().parameters.toEqualTypeOf<[Principal, EventsPageOptions]>()
    expectTypeOf<Runs['listEvents']>().returns.resolves.toEqualTypeOf<EventPage>()
    expectTypeOf<Runs['follow']>().parameters.toEqualTypeOf<[Principal, FollowOptions]>()
    expectTypeOf<Runs['follow']>().returns.resolves.toEqualTypeOf<Following>()
  })

  it('asks for nothing that has a default', () => {
    expectTypeOf<{ agentKey: string; messages: Message[] }>().toExtend<CreateRunRequest>()
    expectTypeOf<{ agentKey: string }>().toExtend<CreateRunRequest>()
    expectTypeOf<{ runId: string }>().toExtend<FollowOptions & EventsPageOptions>()
    expectTypeOf<Record<never, never>>().toExtend<ListRunsRequest & ListConversationsRequest>()
  })
})

describe('runtime.startWorker', () => {
  it('takes the keys of agents that exist', () => {
    const start = (runtime: AgentRuntime<{ key: 'a'; params: undefined; output: Json; events: object }>) => [
      () => runtime.startWorker({ agentKeys: ['a'] }),
      // @ts-expect-error there is no such agent
      () => runtime.startWorker({ agentKeys: ['b'] }),
    ]
    expectTypeOf(start).toBeFunction()
  })
})

describe('what these types are made of', () => {
  it('has names too', () => {
    expectTypeOf<RunDetail>().toExtend<Run>()
    expectTypeOf<Run['status']>().toEqualTypeOf<RunStatus>()
    expectTypeOf<Run['error']>().toEqualTypeOf<RunError | null>()
    expectTypeOf<Run['metadata']>().toEqualTypeOf<JsonObject>()
    expectTypeOf<Run['output']>().toEqualTypeOf<Json>()
    expectTypeOf<RunDetail['messages'][number]>().toEqualTypeOf<StoredMessage>()
    expectTypeOf<StoredMessage>().toExtend<Message>()
    expectTypeOf<ConversationDetail['messages'][number]>().toEqualTypeOf<HistoryMessage>()
    expectTypeOf<RunDetail['waits'][number]>().toEqualTypeOf<PendingWait>()
    expectTypeOf<PendingWait['kind']>().toEqualTypeOf<WaitKind>()
    expectTypeOf<CreateRunRequest['conversationPolicy']>().toEqualTypeOf<ConversationPolicy | undefined>()
    expectTypeOf<CreateRunRequest['conversation']>().toEqualTypeOf<ConversationChoice | undefined>()
    expectTypeOf<NonNullable<EventsOptions['filter']>>().toEqualTypeOf<Partial<EventFilter>>()
    expectTypeOf<EventPage['events'][number]>().toEqualTypeOf<AnyRunEvent>()
    expectTypeOf<Following['batches']>().toEqualTypeOf<EventStream>()
    expectTypeOf<EventStream>().toExtend<AsyncIterable<EventBatch>>()
  })
})

describe('runtime.conversations', () => {
  it('takes and gives types with names', () => {
    expectTypeOf<Conversations['create']>().toEqualTypeOf<
      (principal: Principal, input: CreateConversationRequest) => Promise<Conversation>
    >()
    expectTypeOf<Conversations['createOrGet']>().toEqualTypeOf<
      (
        principal: Principal,
        input: CreateConversationRequest,
      ) => Promise<{ conversation: Conversation; created: boolean }>
    >()
    expectTypeOf<Conversations['get']>().toEqualTypeOf<
      (principal: Principal, input: GetConversationRequest) => Promise<ConversationDetail>
    >()
    expectTypeOf<Conversations['list']>().toEqualTypeOf<
      (principal: Principal, input: ListConversationsRequest) => Promise<Page<Conversation>>
    >()
  })
})
