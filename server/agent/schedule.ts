import type { z } from 'zod'
import type { ParamsField } from '../contract/agent-types.ts'
import type { Json, JsonObject } from '../contract/json.ts'
import type { Message } from '../contract/message.ts'
import type { Principal } from '../contract/principal.ts'
import type { Schema } from '../contract/schema.ts'

interface ScheduleFields {
  /** Tells the agent's schedules apart: 1 to 60 letters, digits, `_`, `-` or `.`. */
  readonly name: string
  /** Minute, hour, day of month, month, day of week; with a sixth field before them, second. */
  readonly cron: string
  /** IANA name of the time zone the cron expression is read in. Default: `UTC`. */
  readonly timeZone?: string
  readonly messages?: readonly Message[]
  readonly metadata?: JsonObject
  /** Whose runs they are. Default: the `public` principal, which is everybody where nobody has to sign in. */
  readonly principal?: Principal
}

/** Creates a run of its agent at times that recur, whichever processes are there then: one run each time. */
export type Schedule<TParams extends Schema | undefined> = ScheduleFields &
  ParamsField<TParams extends Schema ? z.input<TParams> : Json | undefined>

/** A schedule whatever its agent's params. */
export interface AnySchedule extends ScheduleFields {
  readonly params?: unknown
}
