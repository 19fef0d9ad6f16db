import type { ModelChunk, ModelError } from '../../ports/model.ts'
import type { ProviderFailure } from './failure-code.ts'
import { type Provider, toModelError } from './provider-error.ts'
import { streamFrom } from './provider-stream.ts'
import { type ServerEvent, readEvents } from './read-events.ts'
import type { Body, Refusal, createRemedies } from './remedies.ts'

interface Asking {
  provider: Provider
  signal: AbortSignal
  /** Sends the request again with a change that helps against a refusal. */
  ask: ReturnType<typeof createRemedies>
  /** @throws ModelError for what the provider has no place for. */
  body(): Body
  send(body: Body, signal: AbortSignal): Promise<Response>
  /** What a provider said, of an error of `send`; undefined for one that is no answer. */
  failureOf(error: unknown): (ProviderFailure & Refusal) | undefined
  /** @param toError the error to throw for what the server says went wrong; for a stream that ended before the answer did, without one. */
  read(
    events: AsyncIterable<ServerEvent>,
    toError: (failure?: ProviderFailure) => ModelError,
  ): AsyncIterable<ModelChunk>
}

/** One answer of a provider, over HTTP. The request ends with the signal, and when nobody reads on. */
export async function* askProvider(asking: Asking): AsyncGenerator<ModelChunk, void, undefined> {
  const { provider, ask, failureOf } = asking
  const over = new AbortController()
  const signal = AbortSignal.any([asking.signal, over.signal])
  const refusalOf = (error: unknown) => {
    const failure = failureOf(error)
    return failure?.status === 400 || failure?.status === 422 ? failure : undefined
  }
  const open = async () =>
    readEvents(await ask(asking.body(), (body) => asking.send(body, signal), refusalOf))
  const events = streamFrom(open, asking.signal, (error) => toModelError(provider, error, failureOf(error)))
  try {
    yield* asking.read(events, (failure) => toModelError(provider, undefined, failure))
  } finally {
    over.abort()
  }
}

interface ClientOptions {
  apiKey: string
  baseURL?: string | undefined
  timeoutMs?: number | undefined
  maxRetries?: number | undefined
}

/** The options that the SDKs share, in their names. */
export function toClientOptions({ apiKey, baseURL, timeoutMs, maxRetries = 2 }: ClientOptions) {
  return {
    apiKey,
    ...(baseURL === undefined ? {} : { baseURL }),
    ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
    maxRetries,
  }
}
