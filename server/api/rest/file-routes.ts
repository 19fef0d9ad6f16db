import type { Hono } from 'hono'
import { z } from 'zod'
import type { ListFilesRequest, StoredFile } from '../../contract/file.ts'
import { parseInput } from '../../contract/parse-input.ts'
import { ANSWER_HEADERS, answerJson } from '../answer.ts'
import type { FormBounds } from '../files/multipart.ts'
import { addFileRoutes } from '../files/routes.ts'
import type { ApiServices } from '../services.ts'
import type { RestEnv } from './app.ts'
import { pageUrl, whole } from './read-request.ts'
import { toRestOwner, toRestPage } from './wire.ts'

const ListFilesQuery = z.object({
  scope: z.unknown().optional(),
  limit: whole,
  cursor: z.unknown().optional(),
})

export function addRestFileRoutes(app: Hono<RestEnv>, files: ApiServices['files'], bounds: FormBounds): void {
  addFileRoutes(app, { path: '/files', files, bounds, toBody: toRestFile })

  app.get('/files', async (c) => {
    const query = parseInput(ListFilesQuery, c.req.query())
    const page = await files.list(c.get('principal'), query as ListFilesRequest)
    return answerJson(toRestPage(page, { url: pageUrl(c, ListFilesQuery), toRest: toRestFile }))
  })

  app.get('/files/:id/info', async (c) =>
    answerJson(toRestFile(await files.get(c.get('principal'), c.req.param('id')))),
  )

  app.delete('/files/:id', async (c) => {
    await files.delete(c.get('principal'), c.req.param('id'))
    return new Response(null, { status: 204, headers: ANSWER_HEADERS })
  })
}

function toRestFile(file: StoredFile) {
  return {
    id: file.id,
    owner: toRestOwner(file.owner),
    name: file.name,
    media_type: file.mediaType,
    size: file.size,
    sha256: file.sha256,
    created_at: file.createdAt,
    expires_at: file.expiresAt,
  }
}
