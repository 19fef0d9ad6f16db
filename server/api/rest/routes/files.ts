import { z } from 'zod'
import { AgentRuntimeError } from '../../../contract/agent-runtime-error.ts'
import type { ListFilesRequest, StoredFile } from '../../../contract/file.ts'
import { ANSWER_HEADERS, answerJson } from '../../answer.ts'
import { serveFile } from '../../files/serve-file.ts'
import { receiveForm } from '../../files/transfer.ts'
import type { TransferSettings } from '../../files/transfer.ts'
import type { ApiServices } from '../../services.ts'
import type { AnswerList } from '../answer-list.ts'
import { ListFilesQuery } from '../queries.ts'
import { defineRoute, json } from '../route.ts'
import type { Route } from '../route.ts'
import { answerSchema } from '../wire/named.ts'
import { RestOwner, Time, toRestOwner } from '../wire/names.ts'
import { pageOf } from '../wire/page.ts'

type RestFile = z.infer<typeof RestFile>
const RestFile = answerSchema(
  'File',
  z.object({
    id: z.uuid(),
    owner: RestOwner,
    name: z.string().nullable(),
    media_type: z.string(),
    size: z.int().describe('In bytes.'),
    sha256: z.string(),
    created_at: Time,
    expires_at: Time.nullable().describe('When it is deleted unless a message names it before.'),
  }),
)
const RestFiles = answerSchema('UploadedFiles', z.object({ files: z.array(RestFile) }))
const RestFilePage = pageOf('FilePage', RestFile)
const Bytes = answerSchema('Bytes', z.unknown().meta({ format: 'binary' }))

function toRestFile(file: StoredFile): RestFile {
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

const RANGE = {
  Range: 'A part of it: `bytes=0-1023`.',
  'If-None-Match': 'Its `etag`; if the file still has it, the answer is 304.',
}

// oxlint-disable-next-line max-lines-per-function -- A list of routes.
export function fileRoutes(
  files: ApiServices['files'],
  { answerList, settings }: { answerList: AnswerList; settings: TransferSettings },
): Route[] {
  return [
    defineRoute({
      method: 'POST',
      path: '/files/',
      operationId: 'uploadFiles',
      summary: 'Upload files',
      form: { description: 'One part for each file.', isOnly: true },
      answers: { 201: { description: 'The files', content: json(RestFiles) } },
      refusals: ['bad_request', 'unsupported_media_type', 'payload_too_large'],
      async handle({ c, principal }) {
        const { files: stored } = await receiveForm(c, principal, { files, settings })
        if (stored.length === 0) throw new AgentRuntimeError('bad_request', 'The form has no file.')
        return answerJson({ files: stored.map(toRestFile) }, 201)
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/files/',
      operationId: 'listFiles',
      procedure: 'files.list',
      summary: 'List files, newest first',
      query: ListFilesQuery,
      answers: { 200: { description: 'A page of files', content: json(RestFilePage) } },
      refusals: ['forbidden'],
      handle: async ({ c, principal, query }) =>
        answerList(c, await files.list(principal, query as ListFilesRequest), {
          query: ListFilesQuery,
          toRest: toRestFile,
        }),
    }),
    defineRoute({
      method: 'GET',
      path: '/files/{id}/',
      operationId: 'readFile',
      summary: 'The contents of a file',
      headers: RANGE,
      answers: {
        200: { description: 'All of it', content: { '*/*': { schema: Bytes } } },
        206: { description: 'A part of it', content: { '*/*': { schema: Bytes } } },
        304: { description: 'The caller already has it' },
      },
      refusals: ['not_found'],
      handle: async ({ c, principal, id }) =>
        serveFile(c.req.raw, await files.open(principal, id), {
          ...settings,
          principal,
          breakOff: c.env.breakOff,
        }),
    }),
    defineRoute({
      method: 'GET',
      path: '/files/{id}/info/',
      operationId: 'getFile',
      procedure: 'files.get',
      summary: 'The description of a file',
      answers: { 200: { description: 'The file', content: json(RestFile) } },
      refusals: ['not_found'],
      handle: async ({ principal, id }) => answerJson(toRestFile(await files.get(principal, id))),
    }),
    defineRoute({
      method: 'DELETE',
      path: '/files/{id}/',
      operationId: 'deleteFile',
      procedure: 'files.delete',
      summary: 'Delete a file',
      answers: { 204: { description: 'It is deleted' } },
      refusals: ['forbidden', 'not_found', 'conflict'],
      async handle({ principal, id }) {
        await files.delete(principal, id)
        return new Response(null, { status: 204, headers: ANSWER_HEADERS })
      },
    }),
  ]
}
