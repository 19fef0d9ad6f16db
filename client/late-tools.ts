import type { FollowDependencies } from './follow-run.ts'
import { Link } from './link.ts'
import { loadedOnce } from './loaded-once.ts'
import type { RunTools } from './run-tools.ts'
import { toAgentError } from './to-agent-error.ts'

/** Runs tools by code that is loaded with the first of them. If it can't be loaded, it is tried again like a lost stream. */
export function createLateTools(
  load: () => Promise<RunTools>,
  dependencies: Pick<FollowDependencies, 'clock' | 'policy' | 'random'>,
): RunTools {
  const loaded = loadedOnce(load)
  return async (runId, tools, options = {}) => {
    const { signal } = options
    const link = new Link(dependencies)
    for (;;) {
      if (signal?.aborted) return
      link.begin()
      const runTools = await loaded().catch(async (cause: unknown) => {
        const failure = toAgentError(cause)
        if (!link.lost(failure)) throw failure
        // An aborted signal ends this wait, and the loop. It is no failure.
        await link.due(signal).catch(() => {})
      })
      if (runTools !== undefined) return runTools(runId, tools, options)
    }
  }
}
