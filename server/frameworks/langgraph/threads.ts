// Checkpoints in memory, as the entries of a journal make them.
import type { Packed } from './packed.ts'

export interface SavedCheckpoint {
  id: string
  parent: string | null
  /** Without the values of channels, which stand beside it, each version once. */
  checkpoint: Packed
  metadata: Packed
}

export interface SavedWrite {
  task: string
  path: string
  index: number
  channel: string
  value: Packed
}

/** What a saver does, as it is stored. */
export type SaverEntry =
  | ({
      kind: 'put'
      thread: string
      ns: string
      values: [channel: string, version: string, Packed][]
    } & SavedCheckpoint)
  | { kind: 'writes'; thread: string; ns: string; id: string; writes: SavedWrite[] }
  | { kind: 'deleted'; thread: string }

/** The checkpoints of one namespace of a thread. */
export interface Space {
  checkpoints: Map<string, SavedCheckpoint>
  writes: Map<string, Map<string, SavedWrite>>
  values: Map<string, Packed>
}

export type Threads = Map<string, Map<string, Space>>

export function apply(threads: Threads, entry: SaverEntry): void {
  switch (entry.kind) {
    case 'put': {
      const { id, parent, checkpoint, metadata } = entry
      const space = spaceOf(threads, entry)
      space.checkpoints.set(id, { id, parent, checkpoint, metadata })
      for (const [channel, version, value] of entry.values)
        space.values.set(valueKey(channel, version), value)
      return
    }
    case 'writes': {
      const { writes } = spaceOf(threads, entry)
      const known = writes.get(entry.id) ?? new Map<string, SavedWrite>()
      writes.set(entry.id, known)
      for (const write of entry.writes) {
        const key = `${write.index} ${write.task}`
        // Special ones, of errors and interrupts, have negative places and take the place of those before.
        if (write.index < 0 || !known.has(key)) known.set(key, write)
      }
      return
    }
    case 'deleted':
      threads.delete(entry.thread)
  }
}

export const valueKey = (channel: string, version: string | number): string => `${version} ${channel}`

function spaceOf(threads: Threads, { thread, ns }: { thread: string; ns: string }): Space {
  const spaces = threads.get(thread) ?? new Map<string, Space>()
  threads.set(thread, spaces)
  const space = spaces.get(ns) ?? { checkpoints: new Map(), writes: new Map(), values: new Map() }
  spaces.set(ns, space)
  return space
}

/** Newest first: their ids are in the order of time. */
export function newestFirst(space: Space): SavedCheckpoint[] {
  return [...space.checkpoints.values()].toSorted((a, b) => (a.id < b.id ? 1 : -1))
}
