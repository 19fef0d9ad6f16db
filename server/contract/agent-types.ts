// What callers see of agents, made from the shapes that a runtime carries. These are only types, for router
// and client alike.
import type { z } from 'zod'
import type { AgentShape } from './agent-shape.ts'
import type { ConversationEvent } from './conversation-event.ts'
import type { RunEvent } from './event.ts'
import type { JsonObjectLike } from './json.ts'
import type { CreateRunInput } from './create-run.ts'
import type { CreateScheduleInput } from './schedule.ts'
import type { CallsOf, ToolEvent, ToolEventType } from './tool-events.ts'

/** Every event of an agent's runs, a union narrowed by `type`. Events about tool calls know the tools that agents declare. */
export type EventOf<TShape extends AgentShape> = [CallsOf<TShape>] extends [never]
  ? RoutedEventOf<TShape>
  : Exclude<RoutedEventOf<TShape>, { type: ToolEventType }> | ToolEvent<CallsOf<TShape>>

/** The same as the router tells them: calls of any tool. */
export type RoutedEventOf<TShape extends AgentShape> = TShape extends AgentShape
  ? RunEvent<TShape['events']>
  : never

/**
 * Every event of a conversation with an agent: events of its runs, and events about them. A union narrowed by
 * `type`.
 */
export type ConversationEventOf<TShape extends AgentShape> = ConversationEvent<EventOf<TShape>>

/** The same as the router tells them. */
export type RoutedConversationEventOf<TShape extends AgentShape> = TShape extends AgentShape
  ? ConversationEvent<RunEvent<TShape['events']>>
  : never

export type OutputOf<TShape extends AgentShape> = TShape['output']

/** An agent without a schema takes any JSON. If all fields have defaults, `params` may be left out. */
export type ParamsField<TParams> = undefined extends TParams
  ? { readonly params?: TParams }
  : object extends TParams
    ? { readonly params?: TParams }
    : { readonly params: TParams }

interface MetadataField {
  metadata?: JsonObjectLike | undefined
}

/** The input that creates a run of an agent. */
export type CreateRun<TShape extends AgentShape> = TShape extends AgentShape
  ? { agentKey: TShape['key'] } & ParamsField<TShape['params']> &
      Omit<z.input<typeof CreateRunInput>, 'agentKey' | 'params' | 'metadata'> &
      MetadataField
  : never

/** When a schedule occurs: by a cron expression in a time zone, or every so many seconds. */
type ScheduleTimes =
  | { cron: string; timeZone?: string | undefined; everySeconds?: undefined }
  | { everySeconds: number; cron?: undefined }

/** The input that creates a schedule of an agent's runs. */
export type CreateSchedule<TShape extends AgentShape> = TShape extends AgentShape
  ? { agentKey: TShape['key'] } & ParamsField<TShape['params']> &
      ScheduleTimes &
      Pick<z.input<typeof CreateScheduleInput>, 'name' | 'messages' | 'conversationId'> &
      MetadataField
  : never

/** The keys of the agents that exist. */
export type OfAgent<TInput, TKey extends string | null> = Omit<TInput, 'agentKey'> & {
  agentKey?: TKey | undefined
}
