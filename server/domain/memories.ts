// Reading and deleting memories, for the people whom they are about.
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import { ListMemoriesInput, MemoryId } from '../contract/memory.ts'
import type { ListMemoriesRequest, MemorySummary, StoredMemory } from '../contract/memory.ts'
import { decodeCursor } from '../contract/page.ts'
import type { Page } from '../contract/page.ts'
import { parseInput } from '../contract/parse-input.ts'
import { parsePrincipal } from '../contract/principal.ts'
import type { Principal } from '../contract/principal.ts'
import { assertStorable } from '../contract/storable-json.ts'
import type { Logger } from '../ports/logger.ts'
import { ownerOf } from '../ports/owner.ts'
import type { MemoryStore } from '../ports/store/memory-store.ts'
import type { Access } from './access.ts'
import { createSearch } from './search.ts'

/**
 * The use cases of memories (`ctx.memory`). A caller whose scope covers the tenant also sees memories that the tenant
 * shares.
 */
export interface Memories {
  get(principal: Principal, memoryId: string): Promise<StoredMemory>
  /** Newest first. */
  list(principal: Principal, input: ListMemoriesRequest): Promise<Page<StoredMemory>>
  delete(principal: Principal, memoryId: string): Promise<void>
}

interface MemoryPorts {
  store: Pick<MemoryStore, 'getMemory' | 'listMemories' | 'deleteMemory'>
  access: Access
  log: Logger
}

export function createMemories({ store, access, log }: MemoryPorts): Memories {
  const search = createSearch(log)

  async function get(caller: Principal, id: string): Promise<StoredMemory> {
    const reach = await access.reach(caller, 'memory')
    const memory = reach && (await store.getMemory(reach, id))
    if (memory === null) throw noSuchMemory(id)
    return memory
  }

  return {
    async get(principal, memoryId) {
      return get(parsePrincipal(principal), parseInput(MemoryId, memoryId))
    },

    async list(principal, request) {
      const caller = parsePrincipal(principal)
      const { cursor, scope, ...filter } = parseInput(ListMemoriesInput, request)
      assertStorable(filter)
      const reach = await access.reachWithin(caller, 'memory', scope)
      const list = () => store.listMemories(reach, filter, cursor === undefined ? null : decodeCursor(cursor))
      return filter.search === undefined ? list() : search(caller, list)
    },

    async delete(principal, memoryId) {
      const caller = parsePrincipal(principal)
      const id = parseInput(MemoryId, memoryId)
      const memory = summaryOf(await get(caller, id))
      await access.assertMay(caller, 'delete', { kind: 'memory', memory })
      if (!(await store.deleteMemory(memory))) throw noSuchMemory(id)
      log.info({ memoryId: id, by: ownerOf(caller), owner: memory.owner }, 'a memory was deleted')
    },
  }
}

function summaryOf({ id, owner, tenantId, namespace, key }: StoredMemory): MemorySummary {
  return { id, owner, tenantId, namespace, key }
}

function noSuchMemory(id: string): AgentRuntimeError {
  return new AgentRuntimeError('not_found', `There is no memory ${id}.`)
}
