import type { StoredFile } from '../../contract/file.ts'
import type { Principal } from '../../contract/principal.ts'
import type { FileUpkeep, UploadedFiles } from '../../domain/files.ts'
import { readForm } from './multipart.ts'
import type { FormBounds, FormFields } from './multipart.ts'

export interface Received {
  files: StoredFile[]
  fields: FormFields
}

/** Stores the files of a form. If the request is refused afterwards, the caller has to discard them. */
export async function receiveForm(
  request: Request,
  principal: Principal,
  { files, bounds }: { files: UploadedFiles & Pick<FileUpkeep, 'discard'>; bounds: FormBounds },
): Promise<Received> {
  const stored: StoredFile[] = []
  try {
    const fields = await readForm(request, bounds, async ({ name, mediaType, bytes }) => {
      stored.push(await files.upload(principal, { name, mediaType }, bytes))
    })
    return { files: stored, fields }
  } catch (error) {
    await files.discard(stored)
    throw error
  }
}
