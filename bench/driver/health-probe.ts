// Runs in a thread of its own. The driver's thread reads all streams, so it would count its own delays as the
// server's.
import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads'

/** Asks at this interval, even if earlier questions have no answer yet. */
const INTERVAL_MS = 50

export interface HealthProbe extends AsyncDisposable {
  /** @returns the longest time to an answer, in milliseconds. A missing answer counts until now. */
  stop(): Promise<number>
}

/**
 * Asks the server at `url` for `/healthz` all the time. This shows how long other callers wait while it is
 * under load.
 */
export function startHealthProbe(url: string): HealthProbe {
  const thread = new Worker(new URL(import.meta.url), { workerData: url })
  const worst = new Promise<number>((resolve, reject) => {
    thread.once('message', resolve).once('error', reject)
  })
  async function stop(): Promise<number> {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has none
    thread.postMessage('stop')
    return worst
  }
  return { stop, [Symbol.asyncDispose]: async () => void (await stop()) }
}

async function probe(url: string): Promise<void> {
  const agent = new Agent({ keepAlive: true })
  const stopped = new AbortController()
  parentPort?.once('message', () => stopped.abort())
  const { hostname, port } = new URL(url)
  const waiting = new Set<number>()
  let worst = 0

  function ask(): void {
    const askedAt = performance.now()
    waiting.add(askedAt)
    request({ hostname, port, agent, path: '/healthz' }, (response) => {
      response.resume().once('end', () => {
        waiting.delete(askedAt)
        worst = Math.max(worst, performance.now() - askedAt)
      })
    })
      // A failed question has no answer, so it counts until the end of the measurement.
      .once('error', () => {})
      .end()
  }

  while (!stopped.signal.aborted) {
    ask()
    await sleep(INTERVAL_MS, undefined, { signal: stopped.signal }).catch(() => {})
  }
  const now = performance.now()
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- nor its parent
  parentPort?.postMessage(Math.max(worst, ...[...waiting].map((askedAt) => now - askedAt)))
  agent.destroy()
}

if (!isMainThread) await probe(String(workerData))
