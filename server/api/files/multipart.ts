// Reads forms with files as a stream. Only bytes that were not stored yet are in memory.
import { pipeline } from 'node:stream/promises'
import { Busboy } from '@fastify/busboy'
import type { BusboyFileStream, BusboyInstance } from '@fastify/busboy'
import { AgentRuntimeError } from '../../contract/agent-runtime-error.ts'
import { readBody } from './read-body.ts'
import type { BodyBounds } from './read-body.ts'

export interface FormBounds extends BodyBounds {
  /** The most files of one request. */
  maxFiles: number
  /** The most bytes of all other fields together. */
  maxFieldBytes: number
}

export interface FormFile {
  name: string
  mediaType: string
  bytes: AsyncIterable<Uint8Array>
}

/** Names and values of the fields. If two have the same name, the last one counts. */
export type FormFields = ReadonlyMap<string, string>

const MAX_FIELDS = 100
const MAX_HEADER_BYTES = 16 * 1024

export function isForm(request: Request): boolean {
  return /^multipart\/form-data\b/i.test(request.headers.get('content-type') ?? '')
}

/**
 * Passes the files of a form to `takeFile`, one after the other.
 *
 * @param body the request's body, if it can be read past the request
 * @throws AgentRuntimeError `unsupported_media_type`, `bad_request`, `payload_too_large`; and what `takeFile`
 *   throws. Then the rest is not read.
 */
export async function readForm(
  request: Request,
  bounds: FormBounds,
  body: AsyncIterable<Uint8Array> | undefined,
  takeFile: (file: FormFile) => Promise<void>,
): Promise<FormFields> {
  const fields = new Map<string, string>()
  const streams = new Set<BusboyFileStream>()
  const parser = createParser(request, bounds)
  let left = bounds.maxFieldBytes
  let taking = Promise.resolve()
  let refusal: { error: unknown } | undefined

  parser.on('field', (name, value, _isNameCut, isCut) => {
    left -= Buffer.byteLength(value)
    if (isCut || left < 0)
      return void parser.destroy(tooLarge(`more than ${bounds.maxFieldBytes} bytes beside its files`))
    fields.set(name, value)
  })
  // Browsers write a quotation mark as %22.
  parser.on('file', (_field, stream, name, _encoding, mediaType) => {
    // A page sends this for a field in which no file was chosen.
    if (name === '') return void stream.resume()
    streams.add(stream)
    // Either the reader of the stream gets the error, or the parser does.
    stream.on('error', () => {})
    taking = taking.then(() =>
      takeFile({ name: name.replaceAll('%22', '"'), mediaType, bytes: contentOf(stream) }),
    )
    taking.catch((error: Error) => {
      refusal ??= { error }
      parser.destroy(error)
    })
  })
  parser.on('filesLimit', () => parser.destroy(tooLarge(`more than ${bounds.maxFiles} files`)))
  parser.on('fieldsLimit', () => parser.destroy(tooLarge(`more than ${MAX_FIELDS} fields`)))

  try {
    await pipeline(readBody(request, bounds, body), parser)
  } catch (error) {
    const reason = error instanceof Error ? error : new Error(String(error))
    for (const stream of streams) stream.destroy(reason)
    const { error: cause } = refusal ?? { error: malformed(error) }
    await taking.catch(() => {})
    throw cause
  }
  await taking
  return fields
}

async function* contentOf(stream: BusboyFileStream): AsyncGenerator<Uint8Array> {
  try {
    yield* stream as AsyncIterable<Uint8Array>
  } catch (error) {
    throw malformed(error)
  }
}

function createParser(request: Request, { maxFiles, maxFieldBytes }: FormBounds): BusboyInstance {
  if (!isForm(request)) {
    throw new AgentRuntimeError(
      'unsupported_media_type',
      'Send a form with files: content-type: multipart/form-data.',
    )
  }
  try {
    return new Busboy({
      headers: { 'content-type': request.headers.get('content-type') ?? '' },
      limits: {
        files: maxFiles,
        fields: MAX_FIELDS,
        fieldSize: maxFieldBytes,
        headerSize: MAX_HEADER_BYTES,
      },
    })
  } catch (error) {
    throw malformed(error)
  }
}

function tooLarge(what: string): AgentRuntimeError {
  return new AgentRuntimeError('payload_too_large', `The form has ${what}.`)
}

function malformed(cause: unknown): AgentRuntimeError {
  if (cause instanceof AgentRuntimeError) return cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new AgentRuntimeError('bad_request', `The form can't be read. ${reason}`, { cause })
}
