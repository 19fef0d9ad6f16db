import type { Visibility } from '../contract/visibility.ts'
import type { Json } from '../contract/json.ts'

/** An event that an agent or the runtime emitted, before it is stored. */
export interface EmittedEvent {
  type: string
  visibility: Visibility
  payload: Json
  ts: string
}
