import { z } from 'zod'

/**
 * Validating and writing JSON takes stack for each level and time for each value, so callers must not choose
 * how much.
 */
export const MAX_DEPTH = 500
const MAX_VALUES = 50_000

/** Any value that survives `JSON.parse(JSON.stringify(value))`. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json }
// Written by hand: `z.json()` tries each alternative at each value, and takes seconds for values that are
// parsed in milliseconds.
export const Json = z
  .unknown()
  .refine(
    (value) => isJson(value, MAX_DEPTH),
    `expected JSON, nested at most ${MAX_DEPTH} levels`,
  ) as unknown as z.ZodType<Json, JsonLike>

/**
 * JSON, and objects of interfaces and classes that `JSON.stringify` can write; dates become text. A function,
 * map, set, promise or bigint is a compile error. If it is nested deeper, it is refused when the value is
 * written.
 */
export type JsonLike = string | number | boolean | null | JsonObjectLike
export type JsonObjectLike = (object & WithoutTag) | { readonly [key: string]: unknown }
interface WithoutTag {
  // Maps, sets, promises and buffers have the one; functions have the other.
  readonly [Symbol.toStringTag]?: never
  readonly [Symbol.hasInstance]?: never
}

/**
 * The type of a value after it went through JSON: dates are text, and `undefined` is gone. `never` if JSON
 * cannot hold it.
 */
export type Jsonify<T> = 0 extends 1 & T
  ? T
  : unknown extends T
    ? Json
    : T extends Json | undefined | void
      ? T
      : T extends { toJSON(): infer TForm }
        ? Jsonify<TForm>
        : T extends bigint | symbol | Unspeakable
          ? never
          : T extends readonly unknown[]
            ? { [K in keyof T]: Jsonify<UndefinedAsNull<T[K]>> }
            : Flat<
                { [K in RequiredKey<T>]: Jsonify<T[K]> } & {
                  [K in OptionalKey<T>]?: Jsonify<Exclude<T[K], undefined>>
                }
              >

type Unspeakable =
  | ((...args: never) => unknown)
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | Promise<unknown>
type UndefinedAsNull<T> = undefined extends T ? Exclude<T, undefined> | null : T
type OptionalKey<T> = { [K in keyof T & (string | number)]: undefined extends T[K] ? K : never }[keyof T &
  (string | number)]
type RequiredKey<T> = Exclude<keyof T & (string | number), OptionalKey<T>>
type Flat<T> = { [K in keyof T]: T[K] }

/** A JSON object with free keys: metadata, details. */
export type JsonObject = { [key: string]: Json }
export const JsonObject = z.record(z.string(), Json) as z.ZodType<JsonObject, JsonObjectLike>

function isJson(value: unknown, levels: number): value is Json {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true
    case 'number':
      return Number.isFinite(value)
    case 'object':
      if (value === null) return true
      if (levels === 0 || !(Array.isArray(value) || isPlainObject(value))) return false
      return Object.values(value).every((inner) => isJson(inner, levels - 1))
    default:
      return false
  }
}

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/**
 * The bounds on a value, whatever its schema says. They are checked before the schema, which takes many times
 * as long.
 */
export function excessOf(value: unknown): string | undefined {
  return typeof value === 'object' && value !== null
    ? visit(value, MAX_DEPTH, { left: MAX_VALUES })
    : undefined
}

function visit(value: object, levels: number, values: { left: number }): string | undefined {
  if (levels === 0) return `nested deeper than ${MAX_DEPTH} levels`
  for (const inner of Array.isArray(value) ? (value as unknown[]) : Object.values(value)) {
    if ((values.left -= 1) < 0) return `more than ${MAX_VALUES} values`
    if (typeof inner !== 'object' || inner === null) continue
    const excess = visit(inner, levels - 1, values)
    if (excess !== undefined) return excess
  }
  return undefined
}
