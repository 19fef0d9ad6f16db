import { z } from 'zod'
import type { AnyAgent } from '../agent/agent.ts'
import type { AgentInfo } from '../contract/agent.ts'
import type { JsonObject } from '../contract/json.ts'
import { parsePrincipal } from '../contract/principal.ts'
import type { Principal } from '../contract/principal.ts'
import type { Schema } from '../contract/schema.ts'
import type { Access } from './access.ts'

/** The agents that callers may choose from. */
export interface Agents {
  /** The agents that `authorize` lets the caller see (`listAgents`), sorted by key. Default: all. */
  list(principal: Principal): Promise<AgentInfo[]>
}

export function createAgents({ access }: { access: Access }, agents: ReadonlyMap<string, AnyAgent>): Agents {
  /** Made at the first call, since the registry may add agents until then. */
  let infos: readonly AgentInfo[] | undefined
  return {
    async list(principal) {
      const caller = parsePrincipal(principal)
      infos ??= [...agents.values()].map(toInfo).toSorted((a, b) => (a.key < b.key ? -1 : 1))
      const shown = await Promise.all(
        infos.map(({ key }) => access.may(caller, 'listAgents', { agentKey: key })),
      )
      return infos.filter((_, index) => shown[index] === true)
    },
  }
}

function toInfo({ key, description, params }: AnyAgent): AgentInfo {
  return { key, description: description ?? null, params: params === undefined ? null : jsonSchemaOf(params) }
}

function jsonSchemaOf(schema: Schema): JsonObject | null {
  try {
    const { $schema: _, ...written } = z.toJSONSchema(schema, { io: 'input' })
    return written as JsonObject
  } catch {
    return null
  }
}
