import type { AgentEvents } from '../agent/agent.ts'
import { ANNOUNCED_EVENTS, DEBUG_FIELDS, RUNTIME_EVENTS } from '../contract/runtime-events.ts'
import type { AnyRunEvent, EventFilter } from '../contract/event.ts'
import type { Visibility } from '../contract/visibility.ts'
import type { JsonObject } from '../contract/json.ts'
import type { EventBatch } from './event-ring.ts'

/** The visibility of an event type: from the configuration, else from the type's declaration, else `user`. */
export function createVisibilityOf(
  overrides: Readonly<Record<string, Visibility>>,
): (type: string, agentEvents?: AgentEvents) => Visibility {
  const configured = new Map(Object.entries(overrides))
  return (type, agentEvents) =>
    configured.get(type) ??
    (Object.hasOwn(RUNTIME_EVENTS, type)
      ? RUNTIME_EVENTS[type as keyof typeof RUNTIME_EVENTS].visibility
      : (agentEvents?.[type]?.visibility ?? 'user'))
}

const USER: readonly Visibility[] = ['user']
const USER_AND_DEBUG: readonly Visibility[] = ['user', 'debug']
const ALL: readonly Visibility[] = ['user', 'debug', 'internal']

/** The visibilities a reader with this filter gets to see. */
export function visibleTo(filter: EventFilter, debugMode: boolean): readonly Visibility[] {
  if (filter.includeAll) return ALL
  return filter.includeDebug || debugMode ? USER_AND_DEBUG : USER
}

/**
 * The part of a batch that readers with these visibilities get. All get the same arrays and objects, so that they share
 * their encoded form.
 */
export function shownTo(batch: EventBatch, visibilities: readonly Visibility[]): EventBatch {
  if (batch.every((event) => isWhole(event, visibilities))) return batch
  if (!batch.some(({ visibility }) => visibilities.includes(visibility))) {
    return announcementsIn(batch, visibilities)
  }
  return remembered(batch, visibilities, () =>
    batch.flatMap((event) =>
      isWhole(event, visibilities)
        ? event
        : remembered(event, visibilities, () => partOf(event, visibilities)),
    ),
  )
}

/** The last announced batch. One is enough: a run announces few events, each to all its readers at once. */
let announced: { batch: EventBatch; visibilities: readonly Visibility[]; shown: EventBatch } | undefined

function announcementsIn(batch: EventBatch, visibilities: readonly Visibility[]): EventBatch {
  if (announced?.batch !== batch || announced.visibilities !== visibilities) {
    const shown = batch.flatMap((event) => partOf(event, visibilities))
    announced = { batch, visibilities, shown }
  }
  return announced.shown
}

/** Whether these readers may see the whole event. */
function isWhole({ type, visibility }: AnyRunEvent, visibilities: readonly Visibility[]): boolean {
  return visibilities.includes(visibility) && (visibilities.includes('debug') || !DEBUG_FIELDS.has(type))
}

function partOf(event: AnyRunEvent, visibilities: readonly Visibility[]): EventBatch {
  const isVisible = visibilities.includes(event.visibility)
  if (!isVisible && !ANNOUNCED_EVENTS.includes(event.type)) return NOTHING
  const hidden = DEBUG_FIELDS.get(event.type) ?? []
  const fields = Object.entries(isVisible ? Object(event.payload) : {})
  const payload = Object.fromEntries(fields.filter(([field]) => !hidden.includes(field))) as JsonObject
  return [{ ...event, payload }]
}

const NOTHING: EventBatch = []

/** The visible part of each batch or event, by visibilities. */
const shownBy = new Map<readonly Visibility[], WeakMap<object, EventBatch>>()

function remembered(
  whole: EventBatch | AnyRunEvent,
  visibilities: readonly Visibility[],
  make: () => EventBatch,
): EventBatch {
  let shown = shownBy.get(visibilities)
  if (shown === undefined) shownBy.set(visibilities, (shown = new WeakMap()))
  let part = shown.get(whole)
  if (part === undefined) shown.set(whole, (part = make()))
  return part
}
