/** Where a runtime is mounted. */
export interface RuntimePaths {
  restPath: string
  trpcPath: string
}

/** Whether a request for `url`, a path with or without a query, is the runtime's. */
export function isForRuntime(url: string | undefined, { restPath, trpcPath }: RuntimePaths): boolean {
  const path = url?.split('?', 1)[0] ?? '/'
  return [restPath, trpcPath, '/healthz', '/readyz'].some(
    (base) => path === base || path.startsWith(`${base}/`),
  )
}
