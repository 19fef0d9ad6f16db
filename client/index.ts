export type { AgentShape, HasAgents, KeyOf, ShapeOf, ShapesOf } from '../server/contract/agent-shape.ts'
export { AgentRuntimeError } from '../server/contract/agent-runtime-error.ts'
export type { CreateRun, CreateSchedule, EventOf, OutputOf } from '../server/contract/agent-types.ts'
export type { ConversationEventOf } from '../server/contract/agent-types.ts'
export type {
  AnyConversationEvent,
  ConversationEvent,
  RunCreatedEvent,
  RunDeletedEvent,
} from '../server/contract/conversation-event.ts'
export type { ConversationSnapshot, ConversationStore } from './conversation-store.ts'
export type { LiveRun, Sending } from './live-conversation.ts'
export type { LiveMessage } from './live-messages.ts'
export type { FollowConversationOptions } from './follow-conversation.ts'
export type {
  Conversation,
  ConversationDetail,
  ForkConversationRequest,
  SelectMessageInput,
} from '../server/contract/conversation.ts'
export type { MoveTurn, QueuedTurn, TurnPlace } from '../server/contract/queued-turn.ts'
export type { ErrorBody, ErrorCode } from '../server/contract/agent-runtime-error.ts'
export type { AnyRunEvent, EventEnvelope, RunEvent } from '../server/contract/event.ts'
export type { StoredFile } from '../server/contract/file.ts'
export type { ListMemoriesRequest, StoredMemory } from '../server/contract/memory.ts'
export type { ListSchedulesRequest, StoredSchedule } from '../server/contract/schedule.ts'
export type { Json, JsonLike, JsonObject, JsonObjectLike } from '../server/contract/json.ts'
export type { HistoryMessage, Message, StoredMessage, ToolCall } from '../server/contract/message.ts'
export type {
  AudioPart,
  FilePart,
  ImagePart,
  Part,
  ReasoningPart,
  RefusalPart,
  TextPart,
} from '../server/contract/message-part.ts'
export { partsOf } from './stored-parts.ts'
export { lastAssistantMessage } from '../server/contract/last-assistant-message.ts'
export { textOf } from '../server/contract/text-of.ts'
export type { ApprovalAnswer, PendingWait, ToolAnswer } from '../server/contract/wait.ts'
export type {
  AnswerOf,
  PendingWaitOf,
  Respond,
  ToolHandlers,
  ValueOf,
  WaitNameOf,
} from '../server/contract/wait-types.ts'
export type { Page } from '../server/contract/page.ts'
export type { Owner } from '../server/contract/principal.ts'
export type { Run, RunDetail, RunError, RunStatus } from '../server/contract/run.ts'
export type { SendRequest, SentMessage } from '../server/contract/sent-message.ts'
export type { Scope } from '../server/contract/scope.ts'
export { isTerminal } from '../server/contract/terminal.ts'
export type { TransportOptions } from './choose-transport.ts'
export type { AnonymousOptions } from './visitor.ts'
export type { Claimed } from '../server/contract/session.ts'
export type { AgentClient, AgentListing, CallOptions, CreateOptions, UploadOptions } from './agent-client.ts'
export type { AgentInfo } from '../server/contract/agent.ts'
export type { ConversationHandle, SendRun } from './conversation-handle.ts'
export type { AgentClientOptions } from './create-client.ts'
export { createAgentClient } from './create-client.ts'
export type { Upload } from './with-files.ts'
export type { FollowOptions } from './follow-run.ts'
export type { ReconnectPolicy } from './reconnect-policy.ts'
export { RunFailedError } from './run-failed-error.ts'
export type { AnyRunHandle, RunHandle } from './run-handle.ts'
export type { ChildRun } from './child-runs.ts'
export type { CustomEventOf, CustomPart, MessagePart, WaitPart } from './message-parts.ts'
export type { ToolPart } from './tool-part.ts'
export type { UndeclaredTool } from '../server/contract/tool-events.ts'
export type { RunMessage, ToolInput } from './run-messages.ts'
export type { RunState } from './run-state.ts'
export { initialRunState, reduceRun } from './run-state.ts'
export type { RunSnapshot, RunStore } from './run-store.ts'
export type { RunToolsOptions } from './run-tools.ts'
export type { EventSelection } from './transport.ts'
