import { z } from 'zod'
import { filesIn } from './file.ts'
import { Json, JsonObject } from './json.ts'
import { Message } from './message.ts'
import { pageLimit } from './page.ts'
import { Owner } from './principal.ts'
import { CreateRunInput } from './create-run.ts'
import { ConversationId } from './run.ts'
import { Scope } from './scope.ts'

export const ScheduleId = z.uuid('a schedule id is a UUID')

/** A schedule that a caller made at run time. Times are ISO 8601 in UTC. */
export type StoredSchedule = z.infer<typeof StoredSchedule>
export const StoredSchedule = z.object({
  id: ScheduleId,
  /** Whose runs it creates. */
  owner: Owner,
  name: z.string().nullable(),
  agentKey: z.string(),
  /** Null if it has an interval. */
  cron: z.string().nullable(),
  /** Null if it has a cron expression. */
  everySeconds: z.int().nullable(),
  /** IANA name of the cron expression's time zone. */
  timeZone: z.string(),
  /** The input of its runs. */
  messages: z.array(Message),
  params: Json,
  metadata: JsonObject,
  conversationId: ConversationId.nullable(),
  /** Since when it is paused; null if it is not. */
  pausedAt: z.iso.datetime().nullable(),
  /** Its next occurrence; null if it is paused, or none will come. */
  nextAt: z.iso.datetime().nullable(),
  /** Its last occurrence, the run of that occurrence, and why there is no run. */
  lastAt: z.iso.datetime().nullable(),
  lastRunId: z.uuid().nullable(),
  lastError: z.string().nullable(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
})

/** A schedule without the input of its runs. */
export type ScheduleSummary = Pick<StoredSchedule, 'id' | 'owner' | 'name' | 'agentKey'>

/** The longest interval: a year. */
const MAX_SECONDS = 31_622_400

const { shape } = CreateRunInput

export type CreateScheduleRequest = z.input<typeof CreateScheduleInput>
export type CreateScheduleInput = z.infer<typeof CreateScheduleInput>
export const CreateScheduleInput = z
  .object({
    /** For people; it need not be unique. */
    name: z.string().min(1).max(200).optional(),
    agentKey: shape.agentKey,
    /** Minute, hour, day of month, month, day of week; with a sixth field before them, second. */
    cron: z.string().min(1).max(200).optional(),
    /** Instead of `cron`: seconds between occurrences, counted from its creation. */
    everySeconds: z.int().min(1).max(MAX_SECONDS).optional(),
    /** IANA name of the time zone the cron expression is read in. */
    timeZone: z.string().min(1).max(100).default('UTC'),
    messages: shape.messages,
    params: shape.params,
    metadata: shape.metadata,
    /** The conversation its runs go into. Default: none. */
    conversationId: shape.conversationId,
  })
  .refine(({ cron, everySeconds }) => (cron === undefined) !== (everySeconds === undefined), {
    path: ['cron'],
    error: 'a schedule has either a cron expression or an interval (everySeconds)',
  })
  .refine(({ messages }) => filesIn(messages).length === 0, {
    path: ['messages'],
    error: 'a schedule cannot name uploaded files, which may be deleted by then',
  })

export const ScheduleRef = z.object({ scheduleId: ScheduleId })

/** The schedules to list, without the defaults. */
export type ListSchedulesRequest = z.input<typeof ListSchedulesInput>
export type ListSchedulesInput = z.infer<typeof ListSchedulesInput>
export const ListSchedulesInput = z.object({
  agentKey: z.string().optional(),
  /** Whose: one's own, one's tenant's or anybody's, as far as `authorize` allows. Default: `own`. */
  scope: Scope.default('own'),
  limit: pageLimit(200, 50),
  cursor: z.string().optional(),
})
