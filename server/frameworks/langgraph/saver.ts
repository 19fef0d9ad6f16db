import type { RunnableConfig } from '@langchain/core/runnables'
import {
  BaseCheckpointSaver,
  TASKS,
  WRITES_IDX_MAP,
  compareWritesSortKeys,
  maxChannelVersion,
  writesSortKey,
} from '@langchain/langgraph-checkpoint'
import type {
  ChannelVersions,
  Checkpoint,
  CheckpointListOptions,
  CheckpointMetadata,
  CheckpointPendingWrite,
  CheckpointTuple,
  PendingWrite,
} from '@langchain/langgraph-checkpoint'
import type { Journal } from '../../agent/journal.ts'
import { pack, unpack } from './packed.ts'
import { apply, newestFirst, valueKey } from './threads.ts'
import type { SavedCheckpoint, SavedWrite, SaverEntry, Space, Threads } from './threads.ts'

/** Hears of what a task has written: before it is stored, so that it can be named, and after. */
export interface WriteListener {
  /** @returns the ids of messages that are told for good when the write is stored. */
  onWrites(taskId: string, writes: PendingWrite[]): string[]
  onStored(writes: readonly PendingWrite[]): Promise<void>
}

interface SaverPorts {
  journal: Journal
  listener?: WriteListener
}

/**
 * Keeps a graph's checkpoints in the journal of its run: they are fenced by the attempt, and go with the run. All of them are in memory
 * too, so that reading asks nobody.
 */
export class JournalSaver extends BaseCheckpointSaver {
  readonly #threads: Threads = new Map()
  readonly #journal: Journal
  readonly #listener: WriteListener | undefined
  #places: number

  private constructor({ journal, listener }: SaverPorts, entries: { place: number; value: unknown }[]) {
    super()
    this.#journal = journal
    this.#listener = listener
    this.#places = entries.at(-1)?.place ?? 0
    // Only this class writes to the journal.
    for (const { value } of entries) apply(this.#threads, value as SaverEntry)
  }

  static async open(ports: SaverPorts): Promise<JournalSaver> {
    return new JournalSaver(ports, await ports.journal.read())
  }

  has(threadId: string): boolean {
    return this.#threads.has(threadId)
  }

  /** What all tasks of a thread have written, in the order in which they did. */
  async writtenBy(threadId: string): Promise<PendingWrite[]> {
    const spaces = [...(this.#threads.get(threadId)?.values() ?? [])]
    const writes = spaces.flatMap((space) => [...space.writes.values()].flatMap((each) => [...each.values()]))
    return Promise.all(
      writes.map(async ({ channel, value }): Promise<PendingWrite> => [
        channel,
        await unpack(this.serde, value),
      ]),
    )
  }

  override async getTuple(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
    const { thread, ns = '', id } = placeOf(config)
    const space = thread === undefined ? undefined : this.#threads.get(thread)?.get(ns)
    if (space === undefined || thread === undefined) return undefined
    const saved = id === undefined ? newestFirst(space)[0] : space.checkpoints.get(id)
    return saved && this.#toTuple({ thread, ns, space, saved })
  }

  override async *list(
    config: RunnableConfig,
    { limit = Infinity, before, filter = {} }: CheckpointListOptions = {},
  ): AsyncGenerator<CheckpointTuple> {
    const { thread: wanted, ns: wantedNs, id } = placeOf(config)
    const end = before === undefined ? undefined : placeOf(before).id
    let left = limit
    for (const [thread, spaces] of this.#threads) {
      if (wanted !== undefined && thread !== wanted) continue
      for (const [ns, space] of spaces) {
        if (wantedNs !== undefined && ns !== wantedNs) continue
        for (const saved of newestFirst(space)) {
          if ((id !== undefined && saved.id !== id) || (end !== undefined && saved.id >= end)) continue
          const metadata = await unpack<Record<string, unknown>>(this.serde, saved.metadata)
          if (Object.entries(filter).some(([key, value]) => metadata[key] !== value)) continue
          if (left <= 0) return
          left -= 1
          yield this.#toTuple({ thread, ns, space, saved })
        }
      }
    }
  }

  override async put(
    config: RunnableConfig,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
    newVersions: ChannelVersions,
  ): Promise<RunnableConfig> {
    const { thread, ns = '', id: parent = null } = placeOf(config)
    if (thread === undefined) throw new TypeError('A checkpoint is of a thread: give "thread_id".')
    const { channel_values: values, ...rest } = checkpoint
    const changed = Object.entries(newVersions).filter(([channel]) => Object.hasOwn(values, channel))
    await this.#write({
      kind: 'put',
      thread,
      ns,
      id: checkpoint.id,
      parent,
      checkpoint: await pack(this.serde, rest),
      metadata: await pack(this.serde, metadata),
      values: await Promise.all(
        changed.map(
          async ([channel, version]): Promise<[string, string, Awaited<ReturnType<typeof pack>>]> => [
            channel,
            String(version),
            await pack(this.serde, values[channel]),
          ],
        ),
      ),
    })
    return { configurable: { thread_id: thread, checkpoint_ns: ns, checkpoint_id: checkpoint.id } }
  }

  override async putWrites(
    config: RunnableConfig,
    writes: PendingWrite[],
    taskId: string,
    taskPath = '',
  ): Promise<void> {
    const { thread, ns = '', id } = placeOf(config)
    if (thread === undefined || id === undefined) {
      throw new TypeError('Writes are of a checkpoint: give "thread_id" and "checkpoint_id".')
    }
    const messageIds = this.#listener?.onWrites(taskId, writes) ?? []
    const packed = await Promise.all(
      writes.map(async ([channel, value], index): Promise<SavedWrite> => ({
        task: taskId,
        path: taskPath,
        index: WRITES_IDX_MAP[channel] ?? index,
        channel,
        value: await pack(this.serde, value),
      })),
    )
    await this.#write({ kind: 'writes', thread, ns, id, writes: packed }, messageIds)
    await this.#listener?.onStored(writes)
  }

  override async deleteThread(thread: string): Promise<void> {
    await this.#write({ kind: 'deleted', thread })
  }

  async #write(value: SaverEntry, messageIds: readonly string[] = []): Promise<void> {
    this.#places += 1
    await this.#journal.write({ place: this.#places, value }, messageIds)
    apply(this.#threads, value)
  }

  async #toTuple(found: {
    thread: string
    ns: string
    space: Space
    saved: SavedCheckpoint
  }): Promise<CheckpointTuple> {
    const { thread, ns, space, saved } = found
    const placed = (id: string) => ({
      configurable: { thread_id: thread, checkpoint_ns: ns, checkpoint_id: id },
    })
    const [checkpoint, metadata, pendingWrites] = await Promise.all([
      this.#toCheckpoint(space, saved),
      unpack<CheckpointMetadata>(this.serde, saved.metadata),
      this.#writesOf(space, saved.id),
    ])
    const parent = saved.parent === null ? {} : { parentConfig: placed(saved.parent) }
    return { config: placed(saved.id), checkpoint, metadata, pendingWrites, ...parent }
  }

  async #toCheckpoint(space: Space, saved: SavedCheckpoint): Promise<Checkpoint> {
    const checkpoint = await unpack<Checkpoint>(this.serde, saved.checkpoint)
    checkpoint.channel_values = {}
    for (const [channel, version] of Object.entries(checkpoint.channel_versions)) {
      const value = space.values.get(valueKey(channel, version))
      if (value !== undefined) checkpoint.channel_values[channel] = await unpack(this.serde, value)
    }
    // Before version 4 what was sent to tasks stood with the parent's writes.
    if (checkpoint.v < 4 && saved.parent !== null) {
      const sent = (await this.#writesOf(space, saved.parent)).filter(([, channel]) => channel === TASKS)
      const versions = Object.values(checkpoint.channel_versions)
      checkpoint.channel_values[TASKS] = sent.map(([, , value]) => value)
      checkpoint.channel_versions[TASKS] =
        versions.length === 0 ? this.getNextVersion(undefined) : maxChannelVersion(...versions)
    }
    return checkpoint
  }

  async #writesOf(space: Space, id: string): Promise<CheckpointPendingWrite[]> {
    const writes = [...(space.writes.get(id)?.values() ?? [])].toSorted((a, b) =>
      compareWritesSortKeys(writesSortKey(a.path, a.task, a.index), writesSortKey(b.path, b.task, b.index)),
    )
    return Promise.all(
      writes.map(async ({ task, channel, value }): Promise<CheckpointPendingWrite> => [
        task,
        channel,
        await unpack(this.serde, value),
      ]),
    )
  }
}

/** Where a config points to. LangGraph leaves what is missing empty, or out. */
function placeOf({ configurable = {} }: RunnableConfig): { thread?: string; ns?: string; id?: string } {
  const { thread_id: thread, checkpoint_ns: ns, checkpoint_id: id } = configurable as Record<string, unknown>
  return {
    ...(typeof thread === 'string' ? { thread } : {}),
    ...(typeof ns === 'string' ? { ns } : {}),
    ...(typeof id === 'string' && id !== '' ? { id } : {}),
  }
}
