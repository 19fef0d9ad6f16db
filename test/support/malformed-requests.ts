// Requests with a mistake, made from an OpenAPI document. The same seed makes the same requests.

interface Schema {
  $ref?: string
  type?: string
  const?: unknown
  enum?: unknown[]
  anyOf?: Schema[]
  oneOf?: Schema[]
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  format?: string
}

interface Operation {
  parameters?: { name: string; in: string; schema: Schema }[]
  requestBody?: { content: Record<string, { schema: Schema }> }
}

export interface ApiDocument {
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, Schema> }
}

export interface MalformedRequest {
  operation: string
  path: string
  method: string
  headers: Record<string, string>
  body: string | undefined
}

const UNKNOWN_ID = '01a208e9-7b1c-7d2e-9c4f-2f1a3b4c5d6e'

/** Values that must harm no field. */
const NASTY: readonly unknown[] = [
  ...[
    null,
    true,
    false,
    0,
    -1,
    1.5,
    1e308,
    -1e308,
    2 ** 31,
    2 ** 53,
    '',
    ' ',
    'x',
    '0',
    'null',
    '\0',
    'a\0b',
  ],
  ...['\ud800', '\udfff!', '\u202e', '💥', 'x'.repeat(10_000), "' OR 1=1; --", '%00', '../..', '__proto__'],
  ...['2030-13-45T99:99:99Z', '0000-00-00', '-1', 'Infinity', 'NaN', UNKNOWN_ID, UNKNOWN_ID.toUpperCase()],
  ...[
    [],
    {},
    [[]],
    [null],
    [{}],
    { a: null },
    { __proto__: null },
    { constructor: 1 },
    JSON.parse('{"then":1}'),
    [1, 'a', {}],
  ],
  ...[Array.from({ length: 1_001 }, () => ({})), nested(600)],
]

/** @param known existing ids, with which requests get further than with others */
export function createMalformedRequests(
  { paths, components }: ApiDocument,
  { seed, known }: { seed: number; known: readonly string[] },
): () => MalformedRequest {
  const random = seeded(seed)
  const one = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  const chance = (share: number) => random() < share
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  )

  /** A value of the schema, with bad values in some places. */
  function instanceOf(schema: Schema, depth = 0): unknown {
    if (chance(0.06)) return one(NASTY)
    if (schema.$ref !== undefined) {
      const name = schema.$ref.split('/').at(-1) ?? ''
      return instanceOf(components.schemas[name] ?? {}, depth)
    }
    if (schema.const !== undefined) return schema.const
    if (schema.enum !== undefined) return one(schema.enum)
    const ways = schema.anyOf ?? schema.oneOf
    if (ways !== undefined) return instanceOf(one(ways), depth)
    switch (schema.type) {
      case 'object':
        return Object.fromEntries(
          Object.entries(schema.properties ?? {}).flatMap(([key, field]) =>
            chance(schema.required?.includes(key) ? 0.05 : 0.7)
              ? []
              : [[chance(0.03) ? `${key}X` : key, instanceOf(field, depth + 1)]],
          ),
        )
      case 'array':
        return Array.from({ length: Math.floor(random() * 4) }, () =>
          instanceOf(schema.items ?? {}, depth + 1),
        )
      case 'integer':
      case 'number':
        return Math.floor(random() * 200)
      case 'boolean':
        return chance(0.5)
      case 'string':
        return schema.format === 'uuid'
          ? one([...known, UNKNOWN_ID])
          : one(['echo', 'queue', 'Hello', '0 8 * * *'])
      default:
        return one(NASTY)
    }
  }

  const textOf = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))

  function bodyOf({ requestBody }: Operation): Pick<MalformedRequest, 'body' | 'headers'> {
    const schema = requestBody?.content['application/json']?.schema
    if (schema === undefined) return { body: chance(0.2) ? textOf(one(NASTY)) : undefined, headers: {} }
    const json = JSON.stringify(instanceOf(schema)) ?? ''
    const type = chance(0.93)
      ? 'application/json'
      : one(['text/plain', 'multipart/form-data', 'application/x', ''])
    const body = chance(0.93) ? json : json.slice(0, Math.floor(random() * json.length))
    return { body, headers: { 'content-type': type } }
  }

  return () => {
    const { path, method, operation } = one(operations)
    const id = () =>
      method !== 'DELETE' && chance(0.6) ? one(known) : chance(0.5) ? UNKNOWN_ID : textOf(one(NASTY))
    const url = path.replaceAll(/\{\w+\}/g, () => encodeURIComponent(id().slice(0, 200).toWellFormed()))
    const query = new URLSearchParams()
    for (const { name, in: where, schema } of operation.parameters ?? []) {
      // Nobody has a minute to wait.
      if (where === 'query' && name !== 'wait_seconds' && chance(0.4)) {
        query.append(name, textOf(instanceOf(schema)).slice(0, 3_000))
      }
    }
    const { body, headers } = method === 'GET' ? { body: undefined, headers: {} } : bodyOf(operation)
    const cursor = chance(0.1) ? { 'last-event-id': one(['-1', 'x', '1e9', '99999999999', '~']) } : {}
    return {
      operation: `${method} ${path}`,
      method,
      path: `${url}${query.size > 0 ? `?${query}` : ''}`.slice(1),
      headers: { ...headers, ...cursor },
      body,
    }
  }
}

function nested(depth: number): unknown {
  let value: unknown = 1
  for (let level = 0; level < depth; level += 1) value = [value]
  return value
}

/** Numbers from 0 to 1, without 1: xorshift, which is the same everywhere. */
function seeded(seed: number): () => number {
  let state = seed >>> 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}
