// Files that callers upload, and an agent that reads them.
import { expect } from 'vitest'
import { defineAgent } from '../../../../server/index.ts'
import type { Principal } from '../../../../server/index.ts'
import type { RestClient } from '../../../support/rest-client.ts'
import { form } from './places.ts'

/** Says what it was given, and the content. */
export const reader = defineAgent({
  key: 'reader',
  async run(ctx) {
    const content = ctx.messages.at(-1)?.content
    const parts = Array.isArray(content) ? content : []
    const ids = parts.flatMap((part) => (part.type === 'file' && part.fileId ? [part.fileId] : []))
    const files = await Promise.all(ids.map((id) => ctx.files.read(id)))
    return {
      output: files.map(({ name, mediaType, size, bytes }) => ({
        name,
        mediaType,
        size,
        text: Buffer.from(bytes).toString('utf8', 0, 100),
      })),
    }
  },
})

export const principals: Record<string, Principal> = {
  ada: { id: 'ada', tenantId: '', kind: 'user' },
  bob: { id: 'bob', tenantId: '', kind: 'user' },
}
export const authenticate = ({ headers }: Request) => principals[headers.get('authorization') ?? ''] ?? null
export const as = (authorization: string) => ({ authorization })
export const UNKNOWN = '019aa000-0000-7000-8000-000000000001'

export interface Uploaded {
  id: string
  name: string
  media_type: string
  size: number
  sha256: string
  expires_at: string | null
}

export async function upload(rest: RestClient, data: FormData, headers: Record<string, string> = {}) {
  const answer = await rest.send('files/', { method: 'POST', body: data, headers })
  const body = (await answer.json()) as { files?: Uploaded[]; code?: string }
  return { status: answer.status, files: body.files ?? [], code: body.code }
}

export async function uploadOne(
  rest: RestClient,
  headers: Record<string, string>,
  name = 'a.txt',
  type = 'text/plain',
) {
  const { files } = await upload(rest, form({}, [name, type, 'Hello']), headers)
  return files[0] as Uploaded
}

export const naming = (...ids: string[]) => ({
  messages: [{ role: 'user', content: ids.map((file_id) => ({ type: 'file', file: { file_id } })) }],
})

export async function outputOf(rest: RestClient, id: string): Promise<unknown> {
  const read = async () => (await rest.get(`runs/${id}`)).body
  await expect.poll(async () => (await read())['status']).toBe('succeeded')
  return ((await read())['output'] as { final_output: unknown }).final_output
}
