import type { Visibility } from '../contract/event.ts'
import type { Json } from '../contract/json.ts'

/** What an agent, or its attempt, tells: an event before it is stored. */
export interface EmittedEvent {
  type: string
  visibility: Visibility
  payload: Json
  ts: string
}
