export { createAgentRuntime } from './runtime/create-runtime.ts'
export type { AgentRuntime, RuntimeOptions, Worker, WorkerOptions } from './runtime/agent-runtime.ts'
export { defineAgent } from './agent/define-agent.ts'
export type {
  Agent,
  AgentEvents,
  AgentResult,
  AnyAgent,
  EventPayloads,
  ShapeOfAgent,
  VersionChange,
} from './agent/agent.ts'
export type { AnySchedule, Schedule } from './agent/schedule.ts'
export { defineTool } from './agent/define-tool.ts'
export type { AnyTool, Tool, ToolContext, ToolReplay } from './agent/define-tool.ts'
export type { FromJsonSchema, JsonSchema } from './agent/json-schema.ts'
export type { InputOfSchema, OutputOfSchema, StandardSchema, ToolSchema } from './agent/tool-schema.ts'
export { StepInterruptedError } from './agent/step-interrupted-error.ts'
export type { ClientTool, ClientTools, ToolShapes } from './agent/client-tools.ts'
export type { AgentTools, CallShapes } from './agent/declared-tools.ts'
export type { ToolQuestion } from './agent/tool-question.ts'
export type { ToolList, ToolSource } from './agent/tool-source.ts'
export { ToolRegistry } from './agent/tool-registry.ts'
export type { CallsContext } from './agent/start-tool-calls.ts'
export type { AnthropicTool, OpenAITool } from './agent/tool-formats.ts'
export { NonRetriableError } from './agent/non-retriable-error.ts'
export { ToolError } from './agent/tool-error.ts'
export type { GenerateOptions, Llm, OfferedTools } from './agent/llm.ts'
export type { Generated } from './agent/generate.ts'
export type { ListMemory, Memory, MemoryEntry, MemoryOptions, OpenMemory } from './agent/memory.ts'
export { memoryTools } from './agent/memory-tools.ts'
export type { MemoryToolsOptions } from './agent/memory-tools.ts'
export { agentTool } from './agent/agent-tool.ts'
export type { AgentToolOptions } from './agent/agent-tool.ts'
export { ChildRunError } from './agent/child-run.ts'
export type {
  ChildResult,
  ChildRuns,
  RunAgentOptions,
  StartAgentOptions,
  StartedRun,
} from './agent/child-run.ts'
export { toolLoop } from './agent/tool-loop.ts'
export type { ToolLoopContext, ToolLoopOptions, ToolLoopResult } from './agent/tool-loop.ts'
export type { Compaction, SummaryRequest } from './agent/compaction.ts'
export { hasToolCall, hasUsedTokens } from './agent/stop-conditions.ts'
export type { LoopStep, StopCondition, StopQuestion } from './agent/stop-conditions.ts'
export type { PreparedStep, PrepareStep, StepToPrepare } from './agent/prepare-step.ts'
export type { AgentContext, EmitOptions, ReceivedMessage, StepContext, StepOptions } from './agent/context.ts'
export type { AgentFiles, FileContent } from './agent/agent-files.ts'
export type {
  AgentWaits,
  Answered,
  Approval,
  ApproveOptions,
  Wait,
  WaitOptions,
  WaitOutcome,
} from './agent/wait.ts'
export type { FileSummary, ListFilesRequest, StoredFile } from './contract/file.ts'
export type {
  CreateScheduleRequest,
  ListSchedulesRequest,
  ScheduleSummary,
  StoredSchedule,
} from './contract/schedule.ts'
export type { ListMemoriesRequest, MemoryShare, MemorySummary, StoredMemory } from './contract/memory.ts'
export type { Memories } from './domain/memories.ts'
export type { Schedules } from './domain/stored-schedules.ts'
export type { Occurrence } from './domain/requested-run.ts'
export type { AgentShape, HasAgents } from './contract/agent-shape.ts'
export type { Schema } from './contract/schema.ts'
export type { Owner, Principal } from './contract/principal.ts'
export type { AgentRouter } from './api/router.ts'
export { withAgentError } from './api/errors.ts'
export type { Connection } from './api/connection.ts'
export type { Handler } from './api/handler.ts'
export type { Authenticate } from './api/authenticate.ts'
export type { ApiContext } from './api/services.ts'
export type { HandleUpgrade } from './api/socket/upgrade.ts'
export { ownersOnly } from './domain/authorize.ts'
export type {
  Action,
  ActionResources,
  Authorize,
  BriefAuthorize,
  AuthorizeAnswer,
  AuthorizeQuestion,
  CreateResource,
  DeleteResource,
} from './domain/authorize.ts'
export type { Deleted } from './domain/delete-all.ts'
export type { OpenedFile, UploadedFiles } from './domain/files.ts'
export type { ByteRange } from './ports/files.ts'
export type { Webhooks } from './domain/webhooks.ts'
export type { ListDeliveries, WebhookEndpoint } from './ports/webhooks.ts'
export type { WebhookDelivery } from './contract/webhook-delivery.ts'
export type { NewWebhook } from './contract/webhook.ts'
export type { Erase } from './domain/erase.ts'
export type { Conversations } from './domain/conversations.ts'
export type {
  ConversationEventPage,
  ConversationEvents,
  ConversationEventsOptions,
  ConversationPageOptions,
  FollowConversationOptions,
  FollowedEvents,
} from './domain/conversation-events.ts'
export type {
  AnyConversationEvent,
  ConversationEvent,
  RunCreatedEvent,
  RunDeletedEvent,
} from './contract/conversation-event.ts'
export type {
  Conversation,
  ConversationDetail,
  ConversationSummary,
  CreateConversationRequest,
  ForkConversationRequest,
  GetConversationRequest,
  ListConversationsRequest,
  SelectMessageInput,
  UpdateConversationRequest,
} from './contract/conversation.ts'
export type { MoveTurnRequest, QueuedTurn } from './contract/queued-turn.ts'
export type { Page } from './contract/page.ts'
export type { EventPage } from './ports/store/event-store.ts'
export type { CallerLimits, Limits } from './domain/limits.ts'
export type { ConversationTitle, TitleRequest } from './worker/conversation-titles.ts'
export type { Quota, QuotaAnswer, QuotaExceeded } from './domain/quota.ts'
export type { Retention, RetentionAnswer } from './domain/retention-rule.ts'
export type {
  EventsOptions,
  EventsPageOptions,
  Following,
  FollowOptions,
  RunEvents,
} from './domain/run-events.ts'
export type { NewlyCreated } from './domain/create-run.ts'
export type { Runs } from './domain/runs.ts'
export type { ConversationTickets, RunTickets } from './domain/tickets.ts'
export type { ConversationTicketRequest, StreamTicket, TicketRequest } from './contract/ticket.ts'
export type { AnonymousSessions, SessionRequest, Sessions } from './domain/sessions.ts'
export type { AnonymousSession, Claimed } from './contract/session.ts'
export type { AnonymousSessionStore, IssuedSession, KeptSession } from './ports/anonymous-sessions.ts'
export type { Visitor } from './ports/store/session-store.ts'
export type { Logger } from './ports/logger.ts'
export type { Operation, OperationOutcome, Span, TracedRun, Tracer } from './ports/tracer.ts'
export type { Exposition, Gauge, Histogram, Instrument, Labels, Metrics, Reading } from './ports/metrics.ts'
export { ConfigError } from './config/config-error.ts'
export type { Config, Settings } from './config/config.ts'
export type { EventStream } from './events/event-stream.ts'
export type { EventBatch } from './events/event-ring.ts'
export { AgentRuntimeError } from './contract/agent-runtime-error.ts'
export type { ErrorBody, ErrorCode } from './contract/agent-runtime-error.ts'
export type { AnyRunEvent, EventEnvelope, EventFilter, RunEvent } from './contract/event.ts'
export type { Visibility } from './contract/visibility.ts'
export type { Json, JsonLike, JsonObject, JsonObjectLike, Jsonify } from './contract/json.ts'
export type {
  AgentMessage,
  HistoryMessage,
  Message,
  ProviderData,
  StoredMessage,
  ToolCall,
} from './contract/message.ts'
export type {
  AudioPart,
  FilePart,
  ImagePart,
  Part,
  ReasoningPart,
  RefusalPart,
  TextPart,
} from './contract/message-part.ts'
export { fromChatMessages, toChatMessage } from './contract/chat-message.ts'
export type { ChatMessage, WrittenChatMessage } from './contract/chat-message.ts'
export type { ChatPart } from './contract/chat-part.ts'
export { lastAssistantMessage } from './contract/last-assistant-message.ts'
export { textOf } from './contract/text-of.ts'
export type { InspectedStep, InspectedWait, RunExecution, RunInspection } from './contract/inspection.ts'
export type { Budget, Usage } from './contract/budget.ts'
export type { ConversationChoice, ConversationPolicy, CreateRunRequest } from './contract/create-run.ts'
export type {
  ListRunsRequest,
  RespondRequest,
  Run,
  RunDetail,
  RunError,
  RunStatus,
  RunSummary,
} from './contract/run.ts'
export type { EndedRun } from './contract/ended-run.ts'
export type { SendRequest, SentMessage } from './contract/sent-message.ts'
export type { Scope } from './contract/scope.ts'
export type { PendingWait, WaitKind } from './contract/wait.ts'
export { createDemoModel } from './models/demo/demo.ts'
export type { DemoModelOptions } from './models/demo/demo.ts'
export { PRICES } from './models/prices.ts'
export type { Price, Prices } from './config/prices.ts'
export { ModelError } from './ports/model.ts'
export type {
  FinishReason,
  Model,
  ModelChunk,
  ModelErrorCode,
  ModelRequest,
  ModelSettings,
  ResponseSchema,
  TokenUsage,
  ToolChoice,
  ToolSpec,
} from './ports/model.ts'
export type { Register, RegisterAgents } from './agent/registry.ts'
export { StartupError } from './ports/startup-error.ts'
export { RunInterruption } from './worker/interruption.ts'
export type { Isolation } from './worker/isolated-runs.ts'
export type { IsolatedRun, StopOptions } from './worker/worker.ts'
export { migrateDatabase } from './postgres/migrations/migrate.ts'
