import { useCallback } from 'react'
import type { AgentClient, CreateOptions } from '../client/agent-client.ts'
import type { AnyRunHandle } from '../client/run-handle.ts'
import { toRunError } from '../client/to-agent-error.ts'
import type { AgentShape } from '../server/contract/agent-shape.ts'
import type { CreateRun } from '../server/contract/agent-types.ts'
import type { Run, RunError } from '../server/contract/run.ts'
import { useProgress } from './use-progress.ts'

interface Refusal {
  input: CreateRun<AgentShape>
  error: RunError
}

export interface Start {
  /** The run that was started last. */
  readonly started: Run | null
  /** Why the last start was refused, if it was. */
  readonly refusal: Refusal | null
  readonly isStarting: boolean
  start(input: CreateRun<AgentShape>, options?: StartOptions): Promise<AnyRunHandle<AgentShape> | null>
}

export type StartOptions = Pick<CreateOptions, 'files' | 'signal'>

type Progress = Pick<Start, 'started' | 'refusal' | 'isStarting'>

const NOTHING: Progress = { started: null, refusal: null, isStarting: false }

/**
 * Creates runs. If several starts are under way, the last one counts, in whichever order they are answered. Runs that
 * another client started are not shown.
 */
export function useStart(client: AgentClient, refresh: () => Promise<void>): Start {
  const { progress, begin } = useProgress(client, NOTHING)
  const start = useCallback(
    async (input: CreateRun<AgentShape>, options?: StartOptions) => {
      const change = begin()
      change({ isStarting: true, refusal: null })
      try {
        const handle = await client.runs.create(input, options)
        change({ isStarting: false, started: handle.run })
        void refresh()
        return handle
      } catch (error) {
        // What the page gave up is no refusal.
        const refusal = options?.signal?.aborted ? null : { input, error: toRunError(error) }
        change({ isStarting: false, refusal })
        return null
      }
    },
    [client, refresh, begin],
  )
  return { ...progress, start }
}
