import { getRequestListener } from '@hono/node-server'
import type { AgentRuntime } from '../create-runtime.ts'
import type { RequestListener } from './http-server.ts'

/** Hands requests to a runtime; with `page`, those for other paths than the runtime's to that. */
export function routeRequests(runtime: AgentRuntime, page?: RequestListener): RequestListener {
  const api = getRequestListener((request) => runtime.handler(request))
  if (page === undefined) return api
  const { restPath, trpcPath } = runtime.config
  const owned = [restPath, trpcPath, '/healthz', '/readyz']
  return (request, response) => {
    const path = request.url?.split('?', 1)[0] ?? '/'
    const isOwned = owned.some((base) => path === base || path.startsWith(`${base}/`))
    return isOwned ? api(request, response) : page(request, response)
  }
}
