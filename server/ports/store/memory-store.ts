import type { Json } from '../../contract/json.ts'
import type { ListMemoriesInput, MemoryShare, MemorySummary, StoredMemory } from '../../contract/memory.ts'
import type { Page, PageCursor } from '../../contract/page.ts'
import type { Reach } from '../owner.ts'

/** Where a run's agent remembers something: with whose the run is at that moment. */
export interface MemoryPlace {
  share: MemoryShare
  namespace: string
  key: string
}

export interface ListMemoriesOfRun {
  share: MemoryShare
  namespace: string
  search: readonly string[]
  /** Older than this one. */
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
  /** @returns false where it is not there, or not that owner's. */
  deleteMemory(memory: MemorySummary): Promise<boolean>
  readMemoryOfRun(runId: string, place: MemoryPlace): Promise<StoredMemory | null>
  /** The newest first. */
  listMemoriesOfRun(runId: string, asked: ListMemoriesOfRun): Promise<StoredMemory[]>
  /**
   * Fenced by the attempt.
   *
   * @param max how many whose it is may have. `full` says that they have.
   */
  writeMemory(
    run: { id: string; attempt: number },
    memory: MemoryPlace & { id: string; value: Json },
    max: number,
  ): Promise<'written' | 'full' | 'fenced'>
  /** The same. `absent` says that there was none. */
  forgetMemory(
    run: { id: string; attempt: number },
    place: MemoryPlace,
  ): Promise<'written' | 'absent' | 'fenced'>
}
