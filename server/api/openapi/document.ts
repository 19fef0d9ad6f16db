// Makes the OpenAPI 3.1 document of the REST API from the same routes that answer requests.
import { ERROR_STATUS } from '../../contract/agent-runtime-error.ts'
import type { ErrorCode } from '../../contract/agent-runtime-error.ts'
import { RestError } from '../rest/error-body.ts'
import type { Answer, Route } from '../rest/route.ts'
import { namedSchemas, querySchemas, schemaRef } from './schemas.ts'

/** The parts of a document that do not depend on its address. */
export type OpenApiDocument = Readonly<Record<string, unknown>>

const VERSION = '1.0.0'

const ABOUT = `Runs of agents: create them, follow what they emit, answer what they wait for.

Keys are in snake_case; what is yours (params, metadata, outputs, events of agents) passes as it is. A trailing slash is
optional. Fields of a body that a route does not know are ignored.`

const WHAT: Record<ErrorCode, string> = {
  bad_request: 'The request is malformed',
  validation_failed: 'The request is not valid; `details` lists the problems',
  unknown_agent: 'There is no such agent',
  unauthorized: 'The caller is not known',
  forbidden: 'The caller may not do that',
  not_found: 'It does not exist, or the caller may not see it',
  method_not_allowed: 'The path does not take the method',
  conflict: 'It is not possible in the current state',
  payload_too_large: 'The body is too large',
  unsupported_media_type: 'The `content-type` of the body is not JSON',
  rate_limited: 'Too many requests; `retry-after` says when to try again',
  internal: 'An internal error of the server',
  unavailable: 'Try again in a moment; `retry-after` says when',
}

export function createDocument(routes: readonly Route[]): OpenApiDocument {
  return {
    openapi: '3.1.1',
    info: {
      title: 'Agent runtime',
      version: VERSION,
      description: ABOUT,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    security: [{ bearer: [] }, { anonymousToken: [] }, {}],
    tags: tagsOf(routes).map((name) => ({ name })),
    paths: pathsOf(routes),
    components: {
      schemas: namedSchemas(),
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description: "If the application's `authenticate` accepts one.",
        },
        anonymousToken: {
          type: 'apiKey',
          in: 'header',
          name: 'X-Anonymous-Token',
          description: 'Of a visitor without an account.',
        },
      },
    },
  }
}

function pathsOf(routes: readonly Route[]) {
  const byPath = Map.groupBy(routes, ({ path }) => path)
  return Object.fromEntries(
    [...byPath].map(([path, those]) => [
      path,
      Object.fromEntries(those.map((route) => [route.method.toLowerCase(), operationOf(route)])),
    ]),
  )
}

function operationOf(route: Route) {
  const { operationId, summary, description, body, form, answers } = route
  const parameters = parametersOf(route)
  return {
    operationId,
    summary,
    tags: [tagOf(route)],
    ...(description !== undefined && { description }),
    ...(route.procedure !== undefined && { 'x-procedure': route.procedure }),
    ...(route.isOpen && { security: [{}] }),
    ...(parameters.length > 0 && { parameters }),
    ...((body !== undefined || form !== undefined) && {
      requestBody: {
        required: body?.isOptional !== true,
        content: {
          ...(body !== undefined && {
            'application/json': {
              schema: schemaRef(body.schema),
              ...(body.example !== undefined && { example: body.example }),
            },
          }),
          ...(form !== undefined && { 'multipart/form-data': { schema: formOf(form) } }),
        },
      },
    }),
    responses: {
      ...Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, answerOf(answer)])),
      ...refusalsOf(route),
    },
  }
}

function formOf({ description }: { description: string }) {
  const files = { type: 'array', items: { type: 'string', format: 'binary' } }
  // Required, because generated clients would otherwise accept any object as a form.
  return {
    type: 'object',
    description,
    properties: { files },
    required: ['files'],
    additionalProperties: true,
  }
}

function parametersOf({ path, query, headers = {} }: Route) {
  return [
    ...[...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
      name,
      in: 'path',
      required: true,
      schema: { type: 'string', format: 'uuid' },
    })),
    ...(query === undefined ? [] : querySchemas(query)).map(
      ({ name, schema: { description, ...schema } }) => ({
        name,
        in: 'query',
        ...(description !== undefined && { description }),
        schema,
      }),
    ),
    ...Object.entries(headers).map(([name, description]) => ({
      name,
      in: 'header',
      description,
      schema: { type: 'string' },
    })),
  ]
}

function answerOf({ description, content }: Answer) {
  if (content === undefined) return { description }
  const media = Object.entries(content).map(([type, { schema, example }]) => [
    type,
    { schema: schemaRef(schema), ...(example !== undefined && { example }) },
  ])
  return { description, content: Object.fromEntries(media) }
}

/** The refusals of a route by status, with the codes of each status. */
function refusalsOf(route: Route) {
  const codes = new Set<ErrorCode>(route.refusals)
  if (route.isOpen !== true) codes.add('unauthorized').add('forbidden')
  if (route.path.includes('{') || route.query !== undefined || route.body !== undefined)
    codes.add('validation_failed')
  if (route.body !== undefined) codes.add('bad_request').add('unsupported_media_type')
  if (route.method !== 'GET') codes.add('payload_too_large').add('forbidden')
  for (const code of ['rate_limited', 'internal', 'unavailable'] as const) codes.add(code)
  const byStatus = Map.groupBy(codes, (code) => ERROR_STATUS[code])
  return Object.fromEntries(
    [...byStatus].map(([status, those]) => [
      status,
      {
        description: those.map((code) => `\`${code}\`: ${WHAT[code]}.`).join(' '),
        ...(those.some((code) => code === 'rate_limited' || code === 'unavailable') && {
          headers: { 'retry-after': { description: 'In seconds.', schema: { type: 'integer' } } },
        }),
        content: {
          'application/json': {
            schema: schemaRef(RestError),
            examples: Object.fromEntries(
              those.map((code) => [
                code,
                { value: { error: `${WHAT[code]}.`, detail: `${WHAT[code]}.`, code } },
              ]),
            ),
          },
        },
      },
    ]),
  )
}

const tagOf = ({ path }: Route): string => path.split('/')[1] ?? ''

function tagsOf(routes: readonly Route[]): string[] {
  return [...new Set(routes.map(tagOf))]
}
