import type { z } from 'zod'
import type { Json } from '../contract/json.ts'
import type { MemoryShare } from '../contract/memory.ts'
import type { Schema } from '../contract/schema.ts'

export interface MemoryOptions<TSchema extends Schema | undefined = undefined> {
  /**
   * The schema of its values. One that does not fit is refused; one that is stored and does not fit any more is as if it were not there,
   * which the log says. Default: any JSON.
   */
  schema?: TSchema
  /** Whose it is: the principal's whose run it is, or all of the tenant's. Default: `principal`. */
  share?: MemoryShare
}

/** Something that is remembered. */
export interface MemoryEntry<T = Json> {
  key: string
  value: T
  /** ISO 8601 in UTC. */
  createdAt: string
  updatedAt: string
  /** For `before` of `list`. */
  id: string
}

export interface ListMemory {
  /** Words that must all occur in the key or in a text of the value, also within another word, in any case. At most 200 characters. */
  search?: string
  /** At most this many, up to 200. Default: 50. */
  limit?: number
  /** Those that are older than this entry, by its `id`. */
  before?: string
}

/**
 * What is remembered under one namespace. Outside of a step each call is a step: a later attempt of the run gets what this one got, and
 * writes nothing again.
 */
export interface Memory<TIn = Json, TOut = Json> {
  /** Undefined where there is none. */
  get(key: string): Promise<TOut | undefined>
  /**
   * Remembers a value, in place of another of this key. Once it resolves, everybody reads it. A worker that has lost the run writes nothing.
   *
   * @throws NonRetriableError when the key or the value is not valid, or there is no room (`maxMemoryBytes`, `memoriesPerPrincipal`).
   */
  set(key: string, value: TIn): Promise<void>
  /** @returns whether there was one. */
  delete(key: string): Promise<boolean>
  /** The newest first. */
  list(asked?: ListMemory): Promise<MemoryEntry<TOut>[]>
}

/** Opens what is remembered under a namespace: 1 to 60 characters. */
export type OpenMemory = <TSchema extends Schema | undefined = undefined>(
  namespace: string,
  options?: MemoryOptions<TSchema>,
) => TSchema extends Schema ? Memory<z.input<TSchema>, z.output<TSchema>> : Memory
