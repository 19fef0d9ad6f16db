import { z } from 'zod'
import { LenientText, lenient } from './lenient.ts'

const Failure = z.looseObject({
  error: z.unknown().optional(),
  message: LenientText,
  detail: z.unknown().optional(),
  code: lenient(z.union([z.string(), z.number()])),
  type: LenientText,
})

/**
 * The refusal of a server in the form that the SDKs read, an object with an `error`: some have a list of these, a `detail`,
 * a `message`, or text.
 */
export async function readableFailure(response: Response): Promise<Response> {
  const text = await response.text()
  const headers = new Headers(response.headers)
  // Of the body that was there.
  for (const header of ['content-encoding', 'content-length']) headers.delete(header)
  headers.set('content-type', 'application/json')
  return new Response(JSON.stringify(toReadable(text)), {
    status: response.status,
    statusText: response.statusText,
    headers,
  })
}

function toReadable(text: string): object {
  const parsed = Failure.safeParse(first(text))
  if (!parsed.success) return { error: { message: text.slice(0, 2_000) } }
  const { error, message, detail, code, type } = parsed.data
  if (typeof error === 'object' && error !== null) return parsed.data
  const said = [error, message, detail].find((each) => each !== undefined && each !== null)
  return {
    error: { message: typeof said === 'string' ? said : JSON.stringify(said ?? parsed.data), code, type },
  }
}

/** Gemini wraps it in a list. */
function first(text: string): unknown {
  try {
    const value = JSON.parse(text) as unknown
    return Array.isArray(value) ? value[0] : value
  } catch {
    return undefined
  }
}
