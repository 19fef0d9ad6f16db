import { useCallback, useRef, useState } from 'react'
import type { AgentClient } from '../client/agent-client.ts'
import type { AnyRunHandle } from '../client/run-handle.ts'
import { toRunError } from '../client/to-agent-error.ts'
import type { AgentShape } from '../server/contract/agent-shape.ts'
import type { CreateRun } from '../server/contract/agent-types.ts'
import type { Run, RunError } from '../server/contract/run.ts'

interface Refusal {
  input: CreateRun<AgentShape>
  error: RunError
}

export interface Start {
  /** The run that was started last. */
  readonly started: Run | null
  /** The last start, when it was refused, and why. */
  readonly refusal: Refusal | null
  readonly isStarting: boolean
  start(input: CreateRun<AgentShape>): Promise<AnyRunHandle<AgentShape> | null>
}

/** Creates runs. Of several starts under way the last one counts, in whichever order they are answered. */
export function useStart(client: AgentClient, refresh: () => Promise<void>): Start {
  const [started, setStarted] = useState<Run | null>(null)
  const [refusal, setRefusal] = useState<Refusal | null>(null)
  const [isStarting, setIsStarting] = useState(false)
  const newest = useRef(0)

  const start = useCallback(
    async (input: CreateRun<AgentShape>) => {
      newest.current += 1
      const mine = newest.current
      const ifNewest = (change: () => void) => {
        if (mine === newest.current) change()
      }
      setIsStarting(true)
      setRefusal(null)
      try {
        const handle = await client.runs.create(input)
        ifNewest(() => setStarted(handle.run))
        void refresh()
        return handle
      } catch (error) {
        ifNewest(() => setRefusal({ input, error: toRunError(error) }))
        return null
      } finally {
        ifNewest(() => setIsStarting(false))
      }
    },
    [client, refresh],
  )
  return { started, refusal, isStarting, start }
}
