// What values become when they are stored. Whoever stores one goes on with this form, so that it makes no
// difference whether a value was just made or is read back by a later attempt.
import type { Json } from './contract/json.ts'
import { MAX_DEPTH } from './contract/json.ts'
import { storable } from './storable-json.ts'

export interface JsonForm {
  value: Json
  /** Characters of its JSON text. */
  length: number
}

/**
 * What `JSON.stringify` makes of a value, as the database gives it back.
 *
 * @throws TypeError saying where there is something that JSON would leave out, or can't hold.
 */
export function toJsonForm(value: unknown): JsonForm {
  const text = storable(JSON.stringify(value, createGuard()) ?? 'null')
  return { value: inStoredOrder(JSON.parse(text) as Json), length: text.length }
}

/** For `JSON.stringify`, which calls it with each value, after `toJSON`. */
function createGuard(): (this: unknown, key: string, value: unknown) => unknown {
  /** From the outermost in: the object that is being written, and those it is in. */
  const open: unknown[] = []
  const path: string[] = []
  return function guard(key, value) {
    while (open.length > 0 && open.at(-1) !== this) {
      open.pop()
      path.pop()
    }
    const step = stepTo(this, key)
    const problem = problemOf(value) ?? (open.includes(value) ? 'contains itself' : undefined)
    if (problem !== undefined) throw new TypeError(`${describe([...path, step])} ${problem}`)
    if (open.length > MAX_DEPTH) throw new TypeError(`it is nested deeper than ${MAX_DEPTH} levels`)
    if (typeof value === 'object' && value !== null) {
      // The outermost is held by an object of JSON.stringify's own, under no name.
      path.push(open.length === 0 ? '' : step)
      open.push(value)
    }
    return value
  }
}

function problemOf(value: unknown): string | undefined {
  switch (typeof value) {
    case 'bigint':
      return 'is a BigInt'
    case 'function':
      return 'is a function'
    case 'symbol':
      return 'is a symbol'
    default:
      // JSON.stringify makes `{}` of them.
      return [Map, Set, WeakMap, WeakSet, Promise].some((type) => value instanceof type)
        ? `is a ${(value as object).constructor.name}`
        : undefined
  }
}

function stepTo(holder: unknown, key: string): string {
  if (Array.isArray(holder)) return `[${key}]`
  return /^[\p{L}_$][\p{L}\d_$]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`
}

function describe(steps: readonly string[]): string {
  const path = steps.slice(1).join('').replace(/^\./, '')
  return path === '' ? 'it' : path
}

/** PostgreSQL orders the keys of objects by their length in bytes, then by their bytes. */
function inStoredOrder(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(inStoredOrder)
  const entries = Object.entries(value).toSorted(([a], [b]) => compareKeys(a, b))
  return Object.fromEntries(entries.map(([key, inner]) => [key, inStoredOrder(inner)]))
}

function compareKeys(a: string, b: string): number {
  const [bytesOfA, bytesOfB] = [Buffer.byteLength(a), Buffer.byteLength(b)]
  if (bytesOfA !== bytesOfB) return bytesOfA - bytesOfB
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
