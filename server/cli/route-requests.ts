import { getRequestListener } from '@hono/node-server'
import type { AgentRuntime } from '../create-runtime.ts'
import type { RequestListener } from './http-server.ts'

/** Where a runtime is mounted. */
export interface RuntimePaths {
  restPath: string
  trpcPath: string
}

/** Hands every request to a runtime. */
export function routeRequests(runtime: AgentRuntime): RequestListener {
  return getRequestListener((request) => runtime.handler(request))
}

/** Whether a request for `url` is the runtime's. */
export function isForRuntime(url: string | undefined, { restPath, trpcPath }: RuntimePaths): boolean {
  const path = url?.split('?', 1)[0] ?? '/'
  return [restPath, trpcPath, '/healthz', '/readyz'].some(
    (base) => path === base || path.startsWith(`${base}/`),
  )
}

/** Hands requests for the runtime's paths to `api`, others to `page`. */
export function routeBesidePage(
  api: RequestListener,
  page: RequestListener,
  paths: () => RuntimePaths,
): RequestListener {
  return (request, response) =>
    isForRuntime(request.url, paths()) ? api(request, response) : page(request, response)
}
