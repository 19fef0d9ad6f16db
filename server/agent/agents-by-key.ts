import type { AnyAgent } from './agent.ts'
import { ConfigError } from '../config/config-error.ts'

/** @throws ConfigError when two have one key. */
export function agentsByKey(agents: readonly AnyAgent[]): ReadonlyMap<string, AnyAgent> {
  const map = new Map<string, AnyAgent>()
  for (const agent of agents) {
    if (map.has(agent.key)) {
      throw new ConfigError(`Two agents have the key "${agent.key}". Give each agent a key of its own.`)
    }
    map.set(agent.key, agent)
  }
  return map
}

/** Those with the keys; all without any. @throws ConfigError when one is not there. */
export function chooseAgents(
  agents: ReadonlyMap<string, AnyAgent>,
  keys: readonly string[] | undefined,
): ReadonlyMap<string, AnyAgent> {
  if (keys === undefined) return agents
  const unknown = keys.filter((key) => !agents.has(key))
  if (unknown.length > 0) {
    throw new ConfigError(
      `There is no agent "${unknown.join('", "')}". Known: ${[...agents.keys()].join(', ')}.`,
    )
  }
  return new Map([...agents].filter(([key]) => keys.includes(key)))
}
