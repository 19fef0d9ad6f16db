import type { Json } from '../../contract/json.ts'
import type { ListMemoriesInput, MemoryShare, MemorySummary, StoredMemory } from '../../contract/memory.ts'
import type { Page, PageCursor } from '../../contract/page.ts'
import type { Reach } from '../owner.ts'

/** Where a run's agent keeps a memory. The owner is the run's owner at that moment. */
export interface MemoryPlace {
  share: MemoryShare
  namespace: string
  key: string
}

export interface ListMemoriesOfRun {
  share: MemoryShare
  namespace: string
  search: readonly string[]
  /** Only memories older than this one. */
  before: string | null
  limit: number
}

export interface MemoryStore {
  getMemory(reach: Reach, memoryId: string): Promise<StoredMemory | null>
  listMemories(
    reach: Reach,
    filter: Pick<ListMemoriesInput, 'limit' | 'namespace' | 'search'>,
    cursor: PageCursor | null,
  ): Promise<Page<StoredMemory>>
  /** @returns false when it does not exist, or is not the owner's. */
  deleteMemory(memory: MemorySummary): Promise<boolean>
  readMemoryOfRun(runId: string, place: MemoryPlace): Promise<StoredMemory | null>
  /** The newest first. */
  listMemoriesOfRun(runId: string, asked: ListMemoriesOfRun): Promise<StoredMemory[]>
  /**
   * Writes a memory, fenced by the attempt.
   *
   * @param max how many memories the owner may have. `full`: the owner has that many.
   */
  writeMemory(
    run: { id: string; attempt: number },
    memory: MemoryPlace & { id: string; value: Json },
    max: number,
  ): Promise<'written' | 'full' | 'fenced'>
  /** Deletes a memory, fenced by the attempt. `absent`: there was none. */
  forgetMemory(
    run: { id: string; attempt: number },
    place: MemoryPlace,
  ): Promise<'written' | 'absent' | 'fenced'>
}
