// What tools keep between calls, such as processes and connections: it ends with the last worker of the process.

let workers = 0
const resources = new Set<() => Promise<void>>()

/** @returns what is to be called when the worker has stopped. */
export function workerStarts(): () => Promise<void> {
  workers += 1
  let isOver = false
  return async () => {
    if (isOver) return
    isOver = true
    workers -= 1
    if (workers > 0) return
    await Promise.all([...resources].map((close) => close()))
  }
}

/**
 * @param close never rejects. It may be called again: who opens anew after it is closed anew.
 * @returns what forgets it, once there is nothing to close.
 */
export function closeWithWorkers(close: () => Promise<void>): () => void {
  resources.add(close)
  return () => void resources.delete(close)
}
