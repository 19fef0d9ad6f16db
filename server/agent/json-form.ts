// What values become when they are stored. Whoever stores one goes on with this form, so that it makes no
// difference whether a value was just made or is read back by a later attempt.
import type { Json } from '../contract/json.ts'
import { MAX_DEPTH } from '../contract/json.ts'
import { describeUnspeakable, isCollection } from './describe-unspeakable.ts'
import { storable } from '../contract/storable-json.ts'

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
  const text = storable(toText(value))
  return { value: inStoredOrder(JSON.parse(text) as Json), length: text.length }
}

function toText(value: unknown): string {
  try {
    // First: it finds cycles, which a look at each value would follow for ever.
    const text = JSON.stringify(value) ?? 'null'
    if (isSpeakable(value, MAX_DEPTH)) return text
  } catch (error) {
    throw new TypeError(describeUnspeakable(value) ?? String(error), { cause: error })
  }
  throw new TypeError(describeUnspeakable(value) ?? `it is nested deeper than ${MAX_DEPTH} levels`)
}

/** Whether JSON.stringify leaves out nothing but `undefined`. */
function isSpeakable(value: unknown, levels: number): boolean {
  if (typeof value === 'function' || typeof value === 'symbol') return typeof toJsonOf(value) === 'function'
  if (typeof value !== 'object' || value === null) return true
  if (levels === 0) return false
  if (Array.isArray(value)) return value.every((item) => isSpeakable(item, levels - 1))
  if (isCollection(value)) return false
  if (typeof toJsonOf(value) === 'function') return true
  for (const key of Object.keys(value)) {
    if (!isSpeakable((value as Record<string, unknown>)[key], levels - 1)) return false
  }
  return true
}

const toJsonOf = (value: object | symbol) => (value as { toJSON?: unknown }).toJSON

/** PostgreSQL orders the keys of objects by their length in bytes, then by their bytes. */
function inStoredOrder(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) value[index] = inStoredOrder(item)
    return value
  }
  const keys = Object.keys(value)
  for (const key of keys) value[key] = inStoredOrder(value[key] as Json)
  const isInOrder = keys.every((key, index) => index === 0 || compareKeys(keys[index - 1] as string, key) < 0)
  if (isInOrder) return value
  return Object.fromEntries(keys.toSorted(compareKeys).map((key) => [key, value[key] as Json]))
}

function compareKeys(a: string, b: string): number {
  const bytes = Buffer.byteLength(a)
  const difference = bytes - Buffer.byteLength(b)
  if (difference !== 0) return difference
  // Of plain ASCII the order of characters is that of bytes.
  if (bytes === a.length && bytes === b.length) return a < b ? -1 : 1
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
