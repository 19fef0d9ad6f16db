import type { Context, Hono } from 'hono'
import { z } from 'zod'
import { AgentRuntimeError } from '../../contract/agent-runtime-error.ts'
import type { ErrorCode } from '../../contract/agent-runtime-error.ts'
import { shortened } from '../../contract/issues.ts'
import { parseInput } from '../../contract/parse-input.ts'
import type { Principal } from '../../contract/principal.ts'
import type { TicketView } from '../../domain/tickets.ts'
import { isForm } from '../files/multipart.ts'
import type { NodeConnection } from '../connection.ts'
import { readBody } from './read-request.ts'

export interface RestEnv {
  Bindings: NodeConnection & {
    /** The caller, after authentication. */
    asking?: Principal
    /** When the caller may get what is refused in this answer, by the clock of the pace. */
    refusalDue?: number
  }
  Variables: {
    principal: Principal
    /** What the ticket shows, if a ticket opened the stream. */
    view: TicketView | undefined
  }
}

/** A successful answer, as the OpenAPI document describes it. */
export interface Answer {
  description: string
  /** The body by media type. Without it there is no body. */
  content?: Record<string, { schema: z.ZodType; example?: unknown }>
}

interface RouteBody<TBody extends z.ZodType> {
  schema: TBody
  /** An empty body counts as `{}`. */
  isOptional?: true
  example?: unknown
}

/** The input of a handler: the request, parsed by the route's schemas. */
interface Asked<TQuery extends z.ZodType, TBody extends z.ZodType> {
  c: Context<RestEnv>
  principal: Principal
  /** The id in the path. `''` if the path has none. */
  id: string
  query: z.output<TQuery>
  body: z.output<TBody>
}

/** A form with files, instead of JSON. */
interface RouteForm {
  description: string
  /** Answers a request that has such a form. */
  answer?(c: Context<RestEnv>): Promise<Response>
  /** The route takes no other body, and its own handler answers. */
  isOnly?: true
}

interface RouteDefinition<TQuery extends z.ZodObject, TBody extends z.ZodType> {
  method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'
  /** Below `restPath`, as OpenAPI writes it: `/runs/{id}/`. */
  path: string
  /** The operation's name in generated clients. */
  operationId: string
  /** The tRPC procedure that does the same. Undefined if there is none. */
  procedure?: string
  /** Whether the route needs no authentication. */
  isOpen?: true
  summary: string
  description?: string
  query?: TQuery
  /** Headers that it reads, with their meaning. */
  headers?: Record<string, string>
  body?: RouteBody<TBody>
  form?: RouteForm
  answers: Record<number, Answer>
  /** Error codes that it may answer with, besides those of every route. */
  refusals?: readonly ErrorCode[]
  handle(asked: Asked<TQuery, TBody>): Promise<Response>
}

/** A route: it answers requests, and describes itself for the OpenAPI document. */
export interface Route extends Omit<RouteDefinition<z.ZodObject, z.ZodType>, 'handle'> {
  answer(c: Context<RestEnv>): Promise<Response>
}

/**
 * Declares a route. Both the app and the OpenAPI document are made from these.
 *
 * @example
 * defineRoute({
 *   method: 'GET',
 *   path: '/runs/{id}/',
 *   operationId: 'getRun',
 *   procedure: 'runs.get',
 *   summary: 'A run',
 *   answers: { 200: { description: 'The run', content: json(RestRun) } },
 *   refusals: ['not_found'],
 *   handle: async ({ principal, id }) => answerJson(toRestRun(await runs.get(principal, id))),
 * })
 */
export function defineRoute<
  TQuery extends z.ZodObject = z.ZodObject<Record<never, never>>,
  TBody extends z.ZodType = z.ZodUndefined,
>({ handle, ...definition }: RouteDefinition<TQuery, TBody>): Route {
  const { query, body, form } = definition
  return {
    ...definition,
    async answer(c) {
      if (form?.answer !== undefined && isForm(c.req.raw)) return form.answer(c)
      return handle({
        c,
        principal: c.get('principal'),
        id: c.req.param('id') ?? '',
        query: (query && parseInput(query, c.req.query())) as z.output<TQuery>,
        body: (body && (await read(c, body))) as z.output<TBody>,
      })
    },
  }
}

async function read<T extends z.ZodType>(
  c: Context,
  { schema, isOptional }: RouteBody<T>,
): Promise<z.output<T>> {
  if (isOptional && (await c.req.text()) === '') return schema.parse({})
  return readBody(c, schema)
}

/** The content of an answer of JSON. */
export const json = (schema: z.ZodType, example?: unknown): NonNullable<Answer['content']> => ({
  'application/json': { schema, ...(example !== undefined && { example }) },
})

/** Adds routes to an app, below a path. Other methods of their paths are answered with 405. */
export function addRoutes(app: Hono<RestEnv>, routes: readonly Route[], base = ''): void {
  const paths = new Set<string>()
  for (const { method, path, answer } of routes) {
    const pattern = base + toPattern(path)
    app.on(method, pattern, (c) => answer(c))
    paths.add(pattern)
  }
  for (const pattern of paths) {
    app.all(pattern, (c) => {
      throw new AgentRuntimeError(
        'method_not_allowed',
        `${shortened(c.req.path)} does not take ${shortened(c.req.method)}.`,
      )
    })
  }
}

/** Converts OpenAPI's form of a path into Hono's: `/runs/:id` for `/runs/{id}/`. */
function toPattern(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1').replace(/\/$/, '')
}
