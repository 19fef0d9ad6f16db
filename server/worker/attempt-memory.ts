import { v7 as uuidv7 } from 'uuid'
import type { z } from 'zod'
import type { AgentContext } from '../agent/context.ts'
import type { ListMemory, Memory, MemoryEntry, MemoryOptions, OpenMemory } from '../agent/memory.ts'
import { NonRetriableError } from '../agent/non-retriable-error.ts'
import { parseSchema } from '../agent/parse-schema.ts'
import { unknownOption } from '../agent/unknown-option.ts'
import type { Json } from '../contract/json.ts'
import { ListMemoriesInput, MemoryId, MemoryKey, MemoryNamespace, MemoryShare } from '../contract/memory.ts'
import type { StoredMemory } from '../contract/memory.ts'
import type { Schema } from '../contract/schema.ts'
import type { ClaimedRun } from '../ports/attempt.ts'
import type { Logger } from '../ports/logger.ts'
import type { MemoryStore } from '../ports/store/memory-store.ts'
import { withHandledPromises } from './handled-promises.ts'
import { RunInterruption } from './interruption.ts'
import { storedForm } from './stored-form.ts'

/** How much may be remembered. */
export interface MemoryBounds {
  /** Bytes of a value, as JSON. */
  maxBytes: number
  perPrincipal: number
  perTenant: number
}

export interface MemoryPorts {
  store: Pick<MemoryStore, 'readMemoryOfRun' | 'listMemoriesOfRun' | 'writeMemory' | 'forgetMemory'>
  /** Default: none, as in tests of parts. */
  memoryBounds?: MemoryBounds
  log: Logger
}

interface MemoryRun {
  run: ClaimedRun
  signal: AbortSignal
  step: AgentContext['step']
  /** Whether the calling code is in a step, which is done anew as a whole. */
  isInStep(): boolean
}

const OPTIONS: Record<keyof MemoryOptions, true> = { schema: true, share: true }
const LIST_OPTIONS: Record<keyof ListMemory, true> = { search: true, limit: true, before: true }
const UNBOUNDED: MemoryBounds = { maxBytes: Infinity, perPrincipal: 1_000_000, perTenant: 1_000_000 }

/** `ctx.memory` of one attempt. */
export function createAttemptMemory(
  ports: MemoryPorts,
  { run, signal, step, isInStep }: MemoryRun,
): OpenMemory {
  const { store, memoryBounds: bounds = UNBOUNDED } = ports

  /** Outside of a step it is one, so that a later attempt finds it done. */
  const once = <T>(name: string, work: () => Promise<T>): Promise<T> => {
    signal.throwIfAborted()
    return isInStep() ? work() : (step(name, work) as Promise<T>)
  }

  const open = (given: string, options: MemoryOptions<Schema | undefined> = {}): Memory<never, unknown> => {
    const unknown = unknownOption(options, OPTIONS)
    if (unknown !== undefined) throw new NonRetriableError(`ctx.memory: ${unknown}`)
    const namespace = valid(MemoryNamespace, given, 'namespace')
    const share = valid(MemoryShare, options.share ?? 'principal', 'share')
    const nameOf = (verb: string, key: string) => `memory:${verb}:${share}:${namespace}:${key}`

    /** Undefined for what does not fit the schema. */
    async function read({ key, value }: StoredMemory): Promise<{ value: unknown } | undefined> {
      if (options.schema === undefined) return { value }
      try {
        return { value: await parseSchema(options.schema, value) }
      } catch (err) {
        ports.log.warn({ err, namespace, key }, 'what is remembered does not fit its schema, and is left out')
        return undefined
      }
    }

    return withHandledPromises<Memory<never, unknown>>({
      async get(key) {
        const place = { share, namespace, key: valid(MemoryKey, key, 'key') }
        const found = await once(nameOf('get', key), () => store.readMemoryOfRun(run.id, place))
        return found === null ? undefined : (await read(found))?.value
      },

      async set(key, value) {
        const place = { share, namespace, key: valid(MemoryKey, key, 'key') }
        const what = `The value of "${key}"`
        const stored = await checked(what, value, { schema: options.schema, maxBytes: bounds.maxBytes })
        await once(nameOf('set', key), async () => {
          const max = share === 'tenant' ? bounds.perTenant : bounds.perPrincipal
          const outcome = await store.writeMemory(run, { ...place, id: uuidv7(), value: stored }, max)
          if (outcome === 'fenced') throw new RunInterruption('lost')
          if (outcome === 'full')
            throw new NonRetriableError(
              `There is no room for "${key}": ${max} memories are as many as there may be.`,
            )
        })
      },

      async delete(key) {
        const place = { share, namespace, key: valid(MemoryKey, key, 'key') }
        return once(nameOf('delete', key), async () => {
          const outcome = await store.forgetMemory(run, place)
          if (outcome === 'fenced') throw new RunInterruption('lost')
          return outcome === 'written'
        })
      },

      async list(asked = {}) {
        const noOption = unknownOption(asked, LIST_OPTIONS)
        if (noOption !== undefined) throw new NonRetriableError(`ctx.memory: ${noOption}`)
        const { limit, search = [] } = valid(
          ListMemoriesInput,
          { limit: asked.limit, search: asked.search },
          'list',
        )
        const before = asked.before === undefined ? null : valid(MemoryId, asked.before, 'before')
        const found = await once(nameOf('list', ''), () =>
          store.listMemoriesOfRun(run.id, { share, namespace, search, before, limit }),
        )
        const entries = await Promise.all(found.map(async (memory) => toEntry(memory, await read(memory))))
        return entries.flat()
      },
    })
  }
  // The schema tells the types of what goes in and comes out, which are gone here.
  return open as OpenMemory
}

function toEntry(memory: StoredMemory, read: { value: unknown } | undefined): MemoryEntry<unknown>[] {
  const { id, key, createdAt, updatedAt } = memory
  return read === undefined ? [] : [{ key, value: read.value, createdAt, updatedAt, id }]
}

/** @throws NonRetriableError for what could not be read again, or is too large. */
async function checked(
  what: string,
  value: unknown,
  { schema, maxBytes }: { schema: Schema | undefined; maxBytes: number },
): Promise<Json> {
  const stored = storedForm(what, value)
  const bytes = Buffer.byteLength(JSON.stringify(stored))
  if (bytes > maxBytes) {
    throw new NonRetriableError(
      `${what} is too large: ${bytes} bytes of JSON, where ${maxBytes} can be remembered.`,
    )
  }
  if (schema === undefined) return stored
  try {
    await parseSchema(schema, stored)
    return stored
  } catch (cause) {
    throw new NonRetriableError(`${what} does not fit its schema, as JSON.`, { cause })
  }
}

function valid<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new NonRetriableError(
    `ctx.memory: ${[what, ...(issue?.path ?? [])].join('.')} is not valid. ${issue?.message}`,
  )
}
