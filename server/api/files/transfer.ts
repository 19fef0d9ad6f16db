import type { StoredFile } from '../../contract/file.ts'
import type { Principal } from '../../contract/principal.ts'
import type { FileUpkeep, UploadedFiles } from '../../domain/files.ts'
import type { Logger } from '../../ports/logger.ts'
import type { Seats } from '../seats.ts'
import type { NodeConnection } from '../connection.ts'
import { readForm } from './multipart.ts'
import type { FormBounds, FormFields } from './multipart.ts'

export interface TransferSettings extends FormBounds {
  /** Counts the uploads and downloads of each caller. */
  seats: Seats
  log: Logger
}

export interface Received {
  files: StoredFile[]
  fields: FormFields
}

/** Stores the files of a form. If the request is refused afterwards, the caller has to discard them. */
export async function receiveForm(
  { req, env }: { req: { raw: Request }; env: Pick<NodeConnection, 'readBody'> },
  principal: Principal,
  { files, settings }: { files: UploadedFiles & Pick<FileUpkeep, 'discard'>; settings: TransferSettings },
): Promise<Received> {
  using _seat = settings.seats.take(principal)
  const stored: StoredFile[] = []
  try {
    const fields = await readForm(req.raw, settings, env.readBody?.(), async ({ name, mediaType, bytes }) => {
      stored.push(await files.upload(principal, { name, mediaType }, bytes))
    })
    return { files: stored, fields }
  } catch (error) {
    await files.discard(stored)
    throw error
  }
}
