import type { MemoryStore } from '../../ports/store/memory-store.ts'
import * as reads from '../prisma/reads.ts'
import * as memories from '../statements/memories.ts'
import type { StoreParts } from './store-parts.ts'

export function createMemoryStore({ pool }: Pick<StoreParts, 'pool'>): MemoryStore {
  return {
    getMemory: (reach, id) => memories.getMemory(pool, reach, id),
    listMemories: (reach, filter, cursor) => reads.listMemories(pool, { reach, filter, cursor }),
    deleteMemory: (memory) => memories.deleteMemory(pool, memory),
    readMemoryOfRun: (runId, place) => memories.readMemoryOfRun(pool, runId, place),
    listMemoriesOfRun: (runId, asked) => memories.listMemoriesOfRun(pool, runId, asked),
    writeMemory: (run, memory, max) => memories.writeMemory(pool, { run, max }, memory),
    forgetMemory: (run, place) => memories.forgetMemory(pool, run, place),
  }
}
