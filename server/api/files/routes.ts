import type { Hono } from 'hono'
import { AgentRuntimeError } from '../../contract/agent-runtime-error.ts'
import type { StoredFile } from '../../contract/file.ts'
import type { FileUpkeep, UploadedFiles } from '../../domain/files.ts'
import { answerJson } from '../answer.ts'
import type { RestEnv } from '../rest/route.ts'
import { serveFile } from './serve-file.ts'
import { receiveForm } from './transfer.ts'
import type { TransferSettings } from './transfer.ts'

interface FileRoutes {
  path: string
  files: UploadedFiles & Pick<FileUpkeep, 'discard'>
  settings: TransferSettings
  /** Makes the answer's body from a file. */
  toBody(file: StoredFile): object
}

/** The routes that carry the bytes of files. */
export function addFileRoutes(app: Hono<RestEnv>, { path, files, settings, toBody }: FileRoutes): void {
  app.post(path, async (c) => {
    const { files: stored } = await receiveForm(c, c.get('principal'), { files, settings })
    if (stored.length === 0) throw new AgentRuntimeError('bad_request', 'The form has no file.')
    return answerJson({ files: stored.map(toBody) }, 201)
  })

  app.get(`${path}/:id`, async (c) =>
    serveFile(c.req.raw, await files.open(c.get('principal'), c.req.param('id')), {
      ...settings,
      principal: c.get('principal'),
      breakOff: c.env.breakOff,
    }),
  )
}
