import type { StoredFile } from '../../contract/file.ts'
import type { OpenedFile } from '../../domain/files.ts'
import { noSuchFile } from '../../domain/no-such-file.ts'
import { FileGone } from '../../ports/files.ts'
import type { ByteRange } from '../../ports/files.ts'
import { answerJson } from '../answer.ts'
import { toBody } from './download-body.ts'
import type { DownloadSettings } from './download-body.ts'

/** Media types that a browser may show. None of them can contain a script. */
const SHOWN = /^(?:image\/(?:png|jpeg|gif|webp|avif|bmp)|audio\/[\w.+-]+|video\/[\w.+-]+|text\/plain)(?:;|$)/

/** Answers a GET or HEAD of a file with all of it, a part of it, or 304. */
export async function serveFile(
  request: Request,
  { file, read }: OpenedFile,
  download: DownloadSettings,
): Promise<Response> {
  const etag = `"${file.sha256}"`
  const headers = headersOf(file, etag)
  if (isAmong(request.headers.get('if-none-match'), etag)) return new Response(null, { status: 304, headers })
  const isHead = request.method === 'HEAD'
  const range = isHead ? undefined : rangeOf(request, file.size, etag)
  if (range === 'none') {
    return answerJson({ error: `The file has ${file.size} bytes.`, code: 'bad_request' }, 416, {
      'content-range': `bytes */${file.size}`,
    })
  }
  const { start, end } = range ?? { start: 0, end: file.size }
  const length = { 'content-length': String(end - start) }
  if (isHead || start === end) return new Response(null, { headers: { ...headers, ...length } })
  const body = await toBody(request, () => read({ start, end }), download).catch((error: unknown) => {
    throw error instanceof FileGone ? noSuchFile(file.id) : error
  })
  if (range === undefined) return new Response(body, { headers: { ...headers, ...length } })
  const part = { 'content-range': `bytes ${start}-${end - 1}/${file.size}` }
  return new Response(body, { status: 206, headers: { ...headers, ...length, ...part } })
}

function headersOf({ mediaType, name }: StoredFile, etag: string): Record<string, string> {
  return {
    'content-type': mediaType,
    'content-disposition': disposition(SHOWN.test(mediaType) ? 'inline' : 'attachment', name),
    // Whatever the file contains, a browser runs nothing of it and gives it no origin.
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    'x-content-type-options': 'nosniff',
    'accept-ranges': 'bytes',
    etag,
    // The content never changes, but who may see it does.
    'cache-control': 'private, no-cache',
  }
}

/** The name twice: in ASCII for old clients, and exactly (RFC 6266). */
function disposition(type: string, name: string | null): string {
  if (name === null) return type
  const ascii = name.replaceAll(/[^\x20-\x7e]|["\\%]/g, '_')
  const exact = encodeURIComponent(name).replaceAll(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16)}`,
  )
  return `${type}; filename="${ascii}"; filename*=UTF-8''${exact}`
}

function isAmong(tags: string | null, etag: string): boolean {
  if (tags === null) return false
  return tags.trim() === '*' || tags.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag)
}

/**
 * The requested range. Undefined for the whole file, which is also the answer to anything but a single range.
 */
function rangeOf({ headers }: Request, size: number, etag: string): ByteRange | 'none' | undefined {
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(headers.get('range') ?? '') ?? []
  if (first === '' && last === '') return undefined
  const ifRange = headers.get('if-range')
  if (ifRange !== null && ifRange !== etag) return undefined
  if (first === '')
    return last === '0' || size === 0 ? 'none' : { start: Math.max(0, size - Number(last)), end: size }
  const start = Number(first)
  const end = last === '' ? size : Math.min(size, Number(last) + 1)
  if (last !== '' && Number(last) < start) return undefined
  return start < size ? { start, end } : 'none'
}
