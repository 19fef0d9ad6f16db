import { http, HttpResponse } from 'msw'
import { setupServer } from 'msw/node'
import { afterEach, beforeEach, vi } from 'vitest'
import type { Model, ModelChunk, ModelRequest } from '../../server/ports/model.ts'

/** A stand-in for a model provider's HTTP API. */
export interface FakeProvider {
  /** Bodies of the requests so far. */
  readonly bodies: Record<string, unknown>[]
  /** Headers of the requests so far. */
  readonly headers: Headers[]
  /** Answers the next requests with these, one each, in order. */
  answerWith(...answers: Answer[]): void
}

/** The answer, which may depend on the request. */
type Answer = (body: Record<string, unknown>) => Response

/** A provider at one URL, for the tests of a file. Any other request fails its test. */
export function fakeProvider(url: string): FakeProvider {
  const bodies: Record<string, unknown>[] = []
  const headers: Headers[] = []
  const queue: Answer[] = []
  const server = setupServer(
    http.post(url, async ({ request }) => {
      const body = (await request.json()) as Record<string, unknown>
      bodies.push(body)
      headers.push(request.headers)
      const answer = queue.shift()
      return answer === undefined
        ? HttpResponse.json({ error: 'nothing prepared' }, { status: 418 })
        : answer(body)
    }),
  )
  beforeEach(() => {
    for (const list of [bodies, headers, queue]) list.length = 0
    // The SDKs read these variables. A developer's own values must not send the tests elsewhere.
    vi.stubEnv('OPENAI_BASE_URL', undefined)
    vi.stubEnv('ANTHROPIC_BASE_URL', undefined)
    server.listen({ onUnhandledFrame: 'error' })
  })
  afterEach(() => {
    server.close()
    vi.unstubAllEnvs()
  })
  return { bodies, headers, answerWith: (...answers) => void queue.push(...answers) }
}

/**
 * A server-sent event stream. Each element is written separately. `end` says how the body ends: complete,
 * with a broken connection, or not before the request is aborted.
 */
export function streamed(
  parts: readonly (string | Uint8Array)[],
  end: 'closed' | 'broken' | 'open' = 'closed',
) {
  const encoder = new TextEncoder()
  return () => {
    const queue = [...parts]
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          const part = queue.shift()
          if (part !== undefined) controller.enqueue(typeof part === 'string' ? encoder.encode(part) : part)
          else if (end === 'closed') controller.close()
          else if (end === 'broken') controller.error(new TypeError('terminated'))
          else return new Promise<void>(() => {})
          return undefined
        },
      },
      // An error drops what was queued and not read yet.
      { highWaterMark: 0 },
    )
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  }
}

export function refused(status: number, body: unknown, headers: Record<string, string> = {}) {
  return () => HttpResponse.json(body as Record<string, unknown>, { status, headers })
}

/** A model's chunks, without the pieces of tools' arguments. */
export async function collect(
  ...asked: Parameters<typeof collectAll>
): Promise<Exclude<ModelChunk, { type: 'tool-input' }>[]> {
  return (await collectAll(...asked)).filter((chunk) => chunk.type !== 'tool-input')
}

export async function collectAll(
  model: Model,
  request: ModelRequest,
  signal: AbortSignal = new AbortController().signal,
): Promise<ModelChunk[]> {
  const chunks: ModelChunk[] = []
  for await (const chunk of model.stream(request, signal)) chunks.push(chunk)
  return chunks
}
