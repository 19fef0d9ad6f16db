/** How long to wait for what follows an answer, such as its usage. Some servers send nothing more and hold the stream open. */
export const QUIET_MS = 5_000

/**
 * The same, ended early when nothing more came for as long as `quietMs` says at the time; undefined for no limit. What is
 * left is told that nobody reads on.
 */
export async function* untilQuiet<T>(
  source: AsyncIterable<T>,
  quietMs: () => number | undefined,
): AsyncGenerator<T, void, undefined> {
  const iterator = source[Symbol.asyncIterator]()
  let isOver = false
  try {
    for (;;) {
      const next = await orQuiet(iterator.next(), quietMs())
      if (next === 'quiet') return
      isOver = next.done === true
      if (next.done === true) return
      yield next.value
    }
  } catch (error) {
    isOver = true
    throw error
  } finally {
    // Not awaited: an iterator that waits for its next value ends after it.
    if (!isOver) void Promise.resolve(iterator.return?.()).catch(() => {})
  }
}

async function orQuiet<T>(next: Promise<T>, quietMs: number | undefined): Promise<T | 'quiet'> {
  if (quietMs === undefined) return next
  let timer: NodeJS.Timeout | undefined
  const quiet = new Promise<'quiet'>((resolve) => {
    timer = setTimeout(() => resolve('quiet'), quietMs)
  })
  // One that comes too late is nobody's concern any more.
  next.catch(() => {})
  try {
    return await Promise.race([next, quiet])
  } finally {
    clearTimeout(timer)
  }
}
