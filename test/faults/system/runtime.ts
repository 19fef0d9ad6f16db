// The entry the processes of the fault suite run.
import { createAgentRuntime } from '../../../server/index.ts'
import { createAgents } from './agents.ts'
import { createTracer } from './trace.ts'

// A suite that was killed can't end what it started. Not by the parent: that may be a worker that was killed.
const suite = Number(process.env['SUITE_PID'])
setInterval(() => {
  try {
    process.kill(suite, 0)
  } catch {
    process.kill(process.pid, 'SIGKILL')
  }
}, 1_000).unref()

const { TENANT: tenantId, TRACE_URL = '' } = process.env

const runtime = createAgentRuntime({
  agents: createAgents(createTracer(TRACE_URL)),
  // All callers are one, of a tenant where the scenario has one.
  ...(tenantId !== undefined && { authenticate: () => ({ id: 'load', tenantId, kind: 'user' as const }) }),
})
export default runtime
