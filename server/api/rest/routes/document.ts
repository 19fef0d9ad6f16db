import { z } from 'zod'
import { answerJson } from '../../answer.ts'
import { createDocument } from '../../openapi/document.ts'
import type { OpenApiDocument } from '../../openapi/document.ts'
import { publicUrl } from '../../public-url.ts'
import { defineRoute, json } from '../route.ts'
import type { Route } from '../route.ts'
import { answerSchema } from '../wire/named.ts'

const Document = answerSchema(
  'OpenApiDocument',
  z.looseObject({ openapi: z.string(), paths: z.looseObject({}) }),
)

const PATH = '/openapi.json'

/** The route of the OpenAPI document, which also describes itself. It names no agents, so anybody may read it. */
export function createDocumentRoute(routes: () => readonly Route[], restPath: string): Route {
  let document: OpenApiDocument | undefined
  return defineRoute({
    method: 'GET',
    path: PATH,
    operationId: 'getOpenApiDocument',
    isOpen: true,
    summary: 'This document',
    answers: { 200: { description: 'OpenAPI 3.1', content: json(Document) } },
    async handle({ c }) {
      document ??= createDocument(routes())
      return answerJson({ ...document, servers: [{ url: serverUrl(c.req.raw, restPath) }] })
    },
  })
}

/** The URL at which the caller reaches the API, also through proxies that name it in headers. */
function serverUrl(request: Request, restPath: string): string {
  const url = publicUrl(request)
  const before = url.pathname.replace(/\/$/, '').slice(0, -PATH.length)
  return url.origin + (before.endsWith(restPath) ? before : before + restPath)
}
