import type { TRPCClient, TRPCLink } from '@trpc/client'
import { httpLink, httpSubscriptionLink, splitLink } from '@trpc/client'
import type { AnyTRPCRouter } from '@trpc/server'
import type { AgentRouter } from '../server/api/router.ts'
import { lateLink } from './late-link.ts'

/** Headers of every request, streams included. A function is called for each request, also when a stream resumes. */
export type HeadersOption =
  | Record<string, string>
  | (() => Record<string, string> | Promise<Record<string, string>>)

export interface LinkOptions {
  /** Where the server's tRPC router is mounted, e.g. `/trpc`. */
  url: string
  /**
   * The path of the runtime's router, if it is mounted below another one: `agents`, or `admin.agents`. Default: the router at `url` itself.
   *
   * @example
   * createAgentClient<typeof runtime>({ url: '/api/trpc', path: 'agents' })
   */
  path?: string
  /**
   * The app's own links of tRPC, with its transformer and headers. They replace the client's links, for calls and for streams.
   * Streams use a WebSocket only where `transport` asks for one. A renewed client uses the same links, and so their connections.
   *
   * @example
   * const links = [splitLink({
   *   condition: ({ type }) => type === 'subscription',
   *   true: httpSubscriptionLink({ url, transformer: superjson }),
   *   false: httpBatchLink({ url, transformer: superjson }),
   * })]
   * createAgentClient<typeof runtime>({ url, path: 'agents', links })
   */
  links?: readonly TRPCLink<AnyTRPCRouter>[]
  headers?: HeadersOption
  /** Default: the global `fetch`. */
  fetch?: typeof globalThis.fetch
  /**
   * Opens streams. Default: the built-in one, which uses `fetch`. The browser's own can't send `headers`, but
   * is enough if cookies authenticate.
   */
  EventSource?: typeof globalThis.EventSource
}

/** @param admitted wraps the `fetch` that calls use. */
export function createLinks(
  options: LinkOptions,
  admitted: (fetch: typeof globalThis.fetch) => typeof globalThis.fetch = (fetch) => fetch,
): TRPCLink<AgentRouter>[] {
  if (options.links !== undefined) return [...options.links]
  const { url } = options
  const fetch: typeof globalThis.fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init))
  const headers = () => resolveHeaders(options.headers)
  const fetchCall = admitted(fetch)
  const fetchStream: typeof fetch = async (input, init) =>
    fetch(input, { ...init, headers: { ...(init?.headers as Record<string, string>), ...(await headers()) } })

  return [
    splitLink({
      condition: (op) => op.type === 'subscription',
      true:
        options.EventSource === undefined
          ? lateLink(async () =>
              (await import('./event-source-link.ts')).createEventSourceLink(url, fetchStream),
            )
          : httpSubscriptionLink({ url, EventSource: options.EventSource }),
      // Not batched: each call keeps its own status code and its own abort, and none waits for the slowest.
      false: httpLink({ url, headers, fetch: (input, init) => fetchCall(input, init as RequestInit) }),
    }),
  ]
}

export async function resolveHeaders(headers: HeadersOption = {}): Promise<Record<string, string>> {
  return typeof headers === 'function' ? headers() : { ...headers }
}

/** The part of a client that calls the procedures below a path. */
export function below(client: TRPCClient<AgentRouter>, path: string | undefined): TRPCClient<AgentRouter> {
  let part: unknown = client
  for (const name of path?.split('.') ?? []) part = (part as Record<string, unknown>)[name]
  return part as TRPCClient<AgentRouter>
}

/** What comes before the name of a procedure. */
export const prefixOf = (path: string | undefined): string => (path === undefined ? '' : `${path}.`)
