import type { AnyAgent } from '../agent/agent.ts'
import type { RunLog } from '../events/run-log.ts'
import type { ClaimedRun } from '../ports/attempt.ts'
import type { AttemptPorts } from './attempt-context.ts'
import type { Inbox } from './inbox.ts'

export interface ExecutePorts extends AttemptPorts {
  /** How long an agent may go on after its signal aborted before it is abandoned. */
  cancelGraceMs: number
}

export interface Execution {
  run: ClaimedRun
  agent: AnyAgent
  runLog: RunLog
  /** Messages that the run is sent meanwhile. */
  inbox: Inbox
  /** Aborts with a `RunInterruption`: from outside for a cancel or a lost lease, here for a timeout or a wait. */
  controller: AbortController
}
