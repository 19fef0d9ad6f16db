import type { AgentEvents } from '../agent/define-agent.ts'
import { RUNTIME_EVENTS } from '../contract/event.ts'
import type { EventFilter, Visibility } from '../contract/event.ts'

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

/** The visibilities a reader with this filter gets to see. */
export function visibleTo(filter: EventFilter, debugMode: boolean): readonly Visibility[] {
  if (filter.includeAll) return ['user', 'debug', 'internal']
  return filter.includeDebug || debugMode ? ['user', 'debug'] : ['user']
}
