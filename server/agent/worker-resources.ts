// What tools and agents keep between calls, such as processes and connections: it ends with the last worker of the process.

let workers = 0
const resources = new Set<() => Promise<void>>()
const preparations = new WeakMap<object, () => void>()

/**
 * @param agents those whose runs it executes in this process.
 * @returns what is to be called when the worker has stopped.
 */
export function workerStarts(agents: Iterable<object>): () => Promise<void> {
  workers += 1
  for (const agent of agents) preparations.get(agent)?.()
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

/** @param prepare is called when a worker begins to execute runs of the agent in this process. It never throws. */
export function prepareWithWorkers(agent: object, prepare: () => void): void {
  preparations.set(agent, prepare)
}
