/** Where a runtime is mounted. */
export interface RuntimePaths {
  restPath: string
  trpcPath: string
  /** Where anonymous sessions are asked for too; undefined where there are none. */
  sessionPath?: string | undefined
}

/** Whether a request for `url`, a path with or without a query, is the runtime's. */
export function isForRuntime(
  url: string | undefined,
  { restPath, trpcPath, sessionPath }: RuntimePaths,
): boolean {
  const path = url?.split('?', 1)[0] ?? '/'
  return [restPath, trpcPath, sessionPath, '/healthz', '/readyz'].some(
    (base) => base !== undefined && (path === base || path.startsWith(`${base}/`)),
  )
}
