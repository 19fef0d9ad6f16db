import { z } from 'zod'
import { answerText } from '../../answer.ts'
import { createDocument } from '../../openapi/document.ts'
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
  // Anybody may request it at any rate, and it is large, so it is made once.
  let text: string | undefined
  return defineRoute({
    method: 'GET',
    path: PATH,
    operationId: 'getOpenApiDocument',
    isOpen: true,
    summary: 'This document',
    answers: { 200: { description: 'OpenAPI 3.1', content: json(Document) } },
    async handle({ c }) {
      text ??= JSON.stringify(createDocument(routes())).slice(0, -1)
      const servers = JSON.stringify([{ url: serverUrl(c.req.raw, restPath) }])
      return answerText(`${text},"servers":${servers}}`)
    },
  })
}

/** The URL at which the caller reaches the API, also through proxies that name it in headers. */
function serverUrl(request: Request, restPath: string): string {
  const url = publicUrl(request)
  const before = url.pathname.replace(/\/$/, '').slice(0, -PATH.length)
  return url.origin + (before.endsWith(restPath) ? before : before + restPath)
}
