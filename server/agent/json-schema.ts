import type { Json, JsonObject } from '../contract/json.ts'

/** A JSON Schema of an object, written out. Write it `as const`, or in place, for its type to be known. */
export interface JsonSchema {
  readonly type: 'object'
  readonly [keyword: string]: unknown
}

/** The type of what fits a JSON Schema, as far as its plain keywords tell; else any JSON. */
export type FromJsonSchema<TSchema> = TSchema extends { readonly const: infer TValue }
  ? TValue
  : TSchema extends { readonly enum: readonly (infer TValue)[] }
    ? TValue
    : TSchema extends { readonly type: infer TType }
      ? OfType<TType, TSchema>
      : Json

type OfType<TType, TSchema> = TType extends 'string'
  ? string
  : TType extends 'number' | 'integer'
    ? number
    : TType extends 'boolean'
      ? boolean
      : TType extends 'null'
        ? null
        : TType extends 'array'
          ? TSchema extends { readonly items: infer TItem }
            ? FromJsonSchema<TItem>[]
            : Json[]
          : TType extends 'object'
            ? TSchema extends { readonly properties: infer TProperties }
              ? OfProperties<TProperties, RequiredOf<TSchema>>
              : JsonObject
            : Json

type RequiredOf<TSchema> = TSchema extends { readonly required: readonly (infer TKey)[] } ? TKey : never

type OfProperties<TProperties, TRequired> = Flat<
  { -readonly [K in keyof TProperties & TRequired]: FromJsonSchema<TProperties[K]> } & {
    -readonly [K in Exclude<keyof TProperties, TRequired>]?: FromJsonSchema<TProperties[K]>
  }
>
type Flat<T> = { [K in keyof T]: T[K] }
