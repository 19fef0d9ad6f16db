/** Where a runtime is mounted. */
export interface RuntimePaths {
  restPath: string
  trpcPath: string
  /** A second path for requesting anonymous sessions; undefined if they are off. */
  sessionPath?: string | undefined
}

/** Whether a request for `url`, a path with or without a query, is for the runtime. */
export function isForRuntime(
  url: string | undefined,
  { restPath, trpcPath, sessionPath }: RuntimePaths,
): boolean {
  const path = url?.split('?', 1)[0] ?? '/'
  return [restPath, trpcPath, sessionPath, '/healthz', '/readyz'].some(
    (base) => base !== undefined && (path === base || path.startsWith(`${base}/`)),
  )
}
