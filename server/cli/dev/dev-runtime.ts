import { describeRuntime } from '../describe-runtime.ts'
import type { RuntimeDescription } from '../describe-runtime.ts'
import type { HttpServer, RequestListener } from '../http-server.ts'
import type { Lifecycle } from '../lifecycle.ts'
import { loadEntry } from '../load-entry.ts'
import { log } from '../log.ts'
import type { WorkerOptions } from '../options.ts'
import { forwardRequests } from './reload/forward-requests.ts'
import { ReloadingRuntime } from './reload/reloading-runtime.ts'
import { isForRuntime } from '../../api/runtime-paths.ts'
import type { RuntimePaths } from '../../api/runtime-paths.ts'
import { routeUpgrades } from '../route-requests.ts'
import { startRuntime, startWorker } from '../run-runtime.ts'

interface DevRuntimeOptions {
  entry: string
  worker: WorkerOptions
  lifecycle: Lifecycle
  /** The server through which its API is reached. */
  http: HttpServer
  /** Host names of the server, besides those of the loopback. */
  allowedHosts: readonly string[]
}

export interface DevRuntime {
  /** The description at the start. */
  runtime: RuntimeDescription
  /** The paths where it is mounted now. */
  paths: () => RuntimePaths
  api: RequestListener
}

/** API and worker in this process. */
export async function serveHere({ entry, worker, lifecycle, http }: DevRuntimeOptions): Promise<DevRuntime> {
  const runtime = await loadEntry(entry)
  await startRuntime(runtime, lifecycle)
  await startWorker(runtime, worker, { lifecycle })
  routeUpgrades(http.server, runtime.handleUpgrade)
  return { runtime: describeRuntime(runtime), paths: () => runtime.config, api: runtime.nodeHandler }
}

/** API and worker in a process of their own, which is replaced when the code changes. */
export async function serveReloading({
  entry,
  worker,
  lifecycle,
  http,
  allowedHosts,
}: DevRuntimeOptions): Promise<DevRuntime> {
  const forwarding = forwardRequests(() => reloading.current?.url)
  const reloading = new ReloadingRuntime({
    task: { entry, worker, serving: { allowedHosts }, isWatched: true },
    lifecycle,
    log,
    settled: forwarding.settled,
  })
  const { runtime } = await reloading.start()
  const paths = (): RuntimePaths => reloading.current?.runtime ?? runtime
  routeUpgrades(http.server, (request, socket, head) => {
    const isOurs = isForRuntime(request.url, paths())
    if (isOurs) forwarding.upgrade(request, socket, head)
    return isOurs
  })
  return { runtime, paths, api: forwarding.listener }
}
