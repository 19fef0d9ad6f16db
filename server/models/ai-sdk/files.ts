import type { AudioPart, FilePart, ImagePart } from '../../contract/message-part.ts'
import { ModelError } from '../../ports/model.ts'

type BytesPart = ImagePart | AudioPart | FilePart

/** Writes files as a version of the SDK's specification has them. */
export interface FileWriter {
  inMessage(part: BytesPart): object
  inResult(part: BytesPart): object
  /** One that came with an answer. */
  returned(data: { base64: string } | { url: string }): unknown
}

interface Target {
  specification: 'v3' | 'v4'
  provider: string
  /** By media type, the URLs that the model fetches by itself. */
  supportedUrls: Readonly<Record<string, readonly RegExp[]>>
}

type Bytes = { base64: string } | { url: string } | { fileId: string }

export function createFileWriter({ specification, provider, supportedUrls }: Target): FileWriter {
  const isOld = specification === 'v3'

  function toData(bytes: Bytes): unknown {
    if ('base64' in bytes) return isOld ? bytes.base64 : { type: 'data', data: bytes.base64 }
    if ('url' in bytes) return isOld ? new URL(bytes.url) : { type: 'url', url: new URL(bytes.url) }
    if (isOld) throw unfit(provider, 'file by its id')
    // Providers look for their own name, which is before the kind of their interface.
    return { type: 'reference', reference: { [provider.split('.')[0] ?? provider]: bytes.fileId } }
  }

  function read(part: BytesPart): { mediaType: string; bytes: Bytes } {
    const { url, fileId = '' }: { url?: string | undefined; fileId?: string | undefined } = part
    if (url === undefined) return { mediaType: OTHER, bytes: { fileId } }
    const [, mediaType, base64] = /^data:([^;]+);base64,(.*)$/s.exec(url) ?? []
    if (mediaType !== undefined && base64 !== undefined) return { mediaType, bytes: { base64 } }
    const kind = kindOf(part)
    // The SDK itself would fetch it here, from wherever a caller says.
    if (!isSupported(supportedUrls, kind, url)) throw unfit(provider, `${part.type} by its URL`)
    return { mediaType: kind, bytes: { url } }
  }

  return {
    returned: toData,
    inMessage(part) {
      const { mediaType, bytes } = read(part)
      const filename = part.type === 'file' && part.filename !== undefined ? { filename: part.filename } : {}
      return { type: 'file', mediaType, data: toData(bytes), ...filename }
    },
    inResult(part) {
      const { mediaType, bytes } = read(part)
      if (!isOld) return { type: 'file', mediaType, data: toData(bytes) }
      const kind = part.type === 'image' ? 'image' : 'file'
      if ('base64' in bytes) return { type: `${kind}-data`, mediaType, data: bytes.base64 }
      if ('url' in bytes) return { type: `${kind}-url`, url: bytes.url }
      return { type: 'file-id', fileId: bytes.fileId }
    },
  }
}

const OTHER = 'application/octet-stream'

function kindOf({ type, url = '' }: BytesPart): string {
  if (type !== 'file') return `${type}/*`
  return URL.parse(url)?.pathname.toLowerCase().endsWith('.pdf') === true ? 'application/pdf' : OTHER
}

function isSupported(supported: Target['supportedUrls'], mediaType: string, url: string): boolean {
  const [kind] = mediaType.split('/')
  return Object.entries(supported).some(
    ([pattern, urls]) =>
      (pattern === '*' || pattern === '*/*' || pattern === mediaType || pattern.startsWith(`${kind}/`)) &&
      urls.some((each) => each.test(url)),
  )
}

function unfit(provider: string, what: string): ModelError {
  return new ModelError(`The model of "${provider}" takes no ${what}: give its bytes in a data URL.`, {
    code: 'invalid_request',
    retriable: false,
  })
}
