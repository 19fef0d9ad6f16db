import { z } from 'zod'
import {
  ChatMessage,
  WrittenChatMessage,
  fromChatMessages,
  toChatMessage,
} from '../../../contract/chat-message.ts'
import { CreateScheduleInput } from '../../../contract/schedule.ts'
import type { CreateScheduleRequest, StoredSchedule } from '../../../contract/schedule.ts'
import { answerSchema, requestSchema } from './named.ts'
import { FreeJson, FreeObject, RestOwner, Time, toRestOwner } from './names.ts'

const { shape } = CreateScheduleInput

export const RestCreateSchedule = requestSchema(
  'CreateSchedule',
  z.object({
    name: shape.name.nullish(),
    agent_key: shape.agentKey,
    cron: shape.cron
      .nullish()
      .describe('Minute, hour, day of month, month, day of week; with a sixth field before them, second.'),
    every_seconds: shape.everySeconds.nullish().describe('Instead of `cron`.'),
    time_zone: z.string().nullish().describe('IANA name, in which `cron` is read. Default: UTC.'),
    messages: z.array(ChatMessage).nullish(),
    params: FreeJson.optional(),
    metadata: FreeObject.nullish(),
    conversation_id: shape.conversationId.nullish(),
  }),
)

export function fromRestCreateSchedule(body: z.output<typeof RestCreateSchedule>): CreateScheduleRequest {
  const input: Record<keyof CreateScheduleRequest, unknown> = {
    name: body.name ?? undefined,
    agentKey: body.agent_key,
    cron: body.cron ?? undefined,
    everySeconds: body.every_seconds ?? undefined,
    timeZone: body.time_zone ?? undefined,
    messages: fromChatMessages(body.messages ?? []),
    params: body.params ?? undefined,
    metadata: body.metadata ?? undefined,
    conversationId: body.conversation_id ?? undefined,
  }
  return input as CreateScheduleRequest
}

export type RestSchedule = z.infer<typeof RestSchedule>
export const RestSchedule = answerSchema(
  'Schedule',
  z.object({
    id: z.uuid(),
    owner: RestOwner,
    name: z.string().nullable(),
    agent_key: z.string(),
    cron: z.string().nullable(),
    every_seconds: z.int().nullable(),
    time_zone: z.string(),
    messages: z.array(WrittenChatMessage),
    params: FreeJson,
    metadata: FreeObject,
    conversation_id: z.uuid().nullable(),
    paused_at: Time.nullable(),
    next_at: Time.nullable().describe('Null if it is paused, or if no time will come.'),
    last_at: Time.nullable(),
    last_run_id: z.uuid().nullable(),
    last_error: z.string().nullable().describe('Why its last occurrence has no run.'),
    created_at: Time,
    updated_at: Time,
  }),
)

export function toRestSchedule(schedule: StoredSchedule): RestSchedule {
  return {
    id: schedule.id,
    owner: toRestOwner(schedule.owner),
    name: schedule.name,
    agent_key: schedule.agentKey,
    cron: schedule.cron,
    every_seconds: schedule.everySeconds,
    time_zone: schedule.timeZone,
    messages: schedule.messages.map(toChatMessage),
    params: schedule.params,
    metadata: schedule.metadata,
    conversation_id: schedule.conversationId,
    paused_at: schedule.pausedAt,
    next_at: schedule.nextAt,
    last_at: schedule.lastAt,
    last_run_id: schedule.lastRunId,
    last_error: schedule.lastError,
    created_at: schedule.createdAt,
    updated_at: schedule.updatedAt,
  }
}
