import type { AgentEvents } from '../agent/define-agent.ts'
import { RUNTIME_EVENTS } from '../contract/event.ts'
import type { EventFilter, Visibility } from '../contract/event.ts'
import type { EventBatch } from './event-ring.ts'

/** Visibility by type: the configuration's, else the declaration's, else `user`. */
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

const shown = new WeakMap<EventBatch, Map<readonly Visibility[], EventBatch>>()

/** The part of a batch with these visibilities, the same one for all who ask: they share what they make of it. */
export function shownTo(batch: EventBatch, visibilities: readonly Visibility[]): EventBatch {
  if (batch.every((event) => visibilities.includes(event.visibility))) return batch
  let parts = shown.get(batch)
  if (parts === undefined) shown.set(batch, (parts = new Map()))
  let part = parts.get(visibilities)
  if (part === undefined) {
    part = batch.filter((event) => visibilities.includes(event.visibility))
    parts.set(visibilities, part)
  }
  return part
}
