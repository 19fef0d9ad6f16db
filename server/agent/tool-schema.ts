// What tools may declare their input and output with: any library's schemas that can be told to a model, or JSON Schema.
import { z } from 'zod'
import { zodToJsonSchema } from 'zod-to-json-schema'
import { toProblems } from '../contract/issues.ts'
import type { Schema } from '../contract/schema.ts'
import type { FromJsonSchema, JsonSchema } from './json-schema.ts'

type StandardResult =
  | { readonly value: unknown; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] }

interface StandardIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

type Target = 'draft-2020-12'

/**
 * A schema of zod 3 or 4, or of another library of Standard Schema (standardschema.dev) that also writes its schemas as
 * JSON Schema.
 */
export interface StandardSchema<TInput = unknown, TOutput = TInput> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => StandardResult | Promise<StandardResult>
    readonly types?: { readonly input: TInput; readonly output: TOutput } | undefined
    readonly jsonSchema?: {
      readonly input: (options: { target: Target }) => Record<string, unknown>
      readonly output: (options: { target: Target }) => Record<string, unknown>
    }
  }
}

export type ToolSchema = StandardSchema | JsonSchema

/** What a schema makes of a value. */
export type OutputOfSchema<TSchema> =
  TSchema extends StandardSchema<unknown, infer TOutput>
    ? TOutput
    : TSchema extends JsonSchema
      ? FromJsonSchema<TSchema>
      : never

/** What a schema takes. */
export type InputOfSchema<TSchema> =
  TSchema extends StandardSchema<infer TInput, unknown>
    ? TInput
    : TSchema extends JsonSchema
      ? FromJsonSchema<TSchema>
      : never

type Checked = { success: true; data: unknown } | { success: false; problems: string[] }

export async function checkAgainst(schema: ToolSchema, value: unknown): Promise<Checked> {
  const result = await standardOf(schema)['~standard'].validate(value)
  if (result.issues === undefined) return { success: true, data: result.value }
  const issues = result.issues.map(({ path = [], ...issue }) => ({
    ...issue,
    path: path.map((part) => (typeof part === 'object' ? part.key : part)),
  }))
  return { success: false, problems: toProblems(issues) }
}

/** @throws when the schema has no JSON form. */
export function toJsonSchema(schema: ToolSchema, io: 'input' | 'output'): Record<string, unknown> {
  const { $schema: _, ...written } = write(schema, io)
  return written
}

function write(schema: ToolSchema, io: 'input' | 'output'): Record<string, unknown> {
  if (!isStandard(schema)) return schema
  if (isZod4(schema)) return z.toJSONSchema(schema, { io })
  const { vendor, jsonSchema } = schema['~standard']
  if (jsonSchema !== undefined) return jsonSchema[io]({ target: 'draft-2020-12' })
  if (vendor !== 'zod') throw new TypeError(`Schemas of "${vendor}" do not write themselves as JSON Schema.`)
  // Only zod 3 is left of those that call themselves so.
  const zod3 = schema as unknown as Parameters<typeof zodToJsonSchema>[0]
  return { ...zodToJsonSchema(zod3, { $refStrategy: 'none', pipeStrategy: io }) }
}

const isStandard = (schema: ToolSchema): schema is StandardSchema => '~standard' in schema
export const isZod4 = (schema: object): schema is Schema => '_zod' in schema

const parsers = new WeakMap<JsonSchema, Schema>()

/** @throws when a JSON Schema uses what zod can't check. */
export function standardOf(schema: ToolSchema): StandardSchema {
  if (isStandard(schema)) return schema
  const parser = parsers.get(schema) ?? z.fromJSONSchema(schema)
  parsers.set(schema, parser)
  return parser
}
