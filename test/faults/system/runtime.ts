// The entry of the fault suite's processes.
import { createAgentRuntime } from '../../../server/index.ts'
import { createAgents } from './agents.ts'
import { createTracer } from './trace.ts'

// A killed suite cannot end its processes. The parent does not tell, since it may be a killed worker.
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
  // All callers are one principal, with a tenant if the scenario has one.
  ...(tenantId !== undefined && { authenticate: () => ({ id: 'load', tenantId, kind: 'user' as const }) }),
})
export default runtime
