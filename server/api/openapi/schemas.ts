import { z } from 'zod'
import { ANSWERS, REQUESTS } from '../rest/wire/named.ts'

export type JsonSchema = z.core.JSONSchema.BaseSchema

const refTo = (id: string) => `#/components/schemas/${id}`

/** Every named schema of the REST API: request bodies by their input form, answers by their output form. */
export function namedSchemas(): Record<string, JsonSchema> {
  const kinds = [
    { registry: REQUESTS, io: 'input' },
    { registry: ANSWERS, io: 'output' },
  ] as const
  return Object.fromEntries(
    kinds.flatMap(({ registry, io }) =>
      Object.entries(
        z.toJSONSchema(registry, { io, uri: refTo, unrepresentable: 'any', override }).schemas,
      ).map(([id, schema]) => [id, within(schema)] as const),
    ),
  )
}

/** The schema of a query, by its input form. */
export function querySchemas(query: z.ZodObject): { name: string; schema: JsonSchema }[] {
  const { properties = {} } = within(z.toJSONSchema(query, { io: 'input', unrepresentable: 'any', override }))
  return Object.entries(properties).map(([name, schema]) => ({ name, schema: schema as JsonSchema }))
}

/** The document's reference to a named schema. */
export function schemaRef(schema: z.ZodType): { $ref: string } {
  const id = REQUESTS.get(schema)?.id ?? ANSWERS.get(schema)?.id
  if (id === undefined) throw new TypeError('A schema of the REST API has no name.')
  return { $ref: refTo(id) }
}

/** Removes the dialect and ids, which the document has once for all schemas. */
function within(schema: JsonSchema): JsonSchema {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => !OUTSIDE.has(key)))
}

const OUTSIDE: ReadonlySet<string> = new Set(['$schema', '$id', '~standard'])

/** Removes the long patterns of times and ids, which add nothing to the format. */
function override({ jsonSchema }: { jsonSchema: JsonSchema }): void {
  if (jsonSchema.format !== undefined) delete jsonSchema.pattern
}
